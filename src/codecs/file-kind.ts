import { latin1 } from './file-bytes.js';

/** Formats that Millrace reads, and others that it recognises for error messages. */
export type FileKind = 'hdf5' | 'npy' | 'tiff' | 'cbf' | 'edf' | 'gzip' | UnreadKind;
type UnreadKind = 'bzip2' | 'xz' | 'zstd' | 'zip' | 'png' | 'jpeg' | 'fits' | 'smv' | 'netcdf' | 'matlab' | 'compress';

/** Number of leading bytes that determine the format: an HDF5 file may begin with a user block of up to this size. */
export const KIND_BYTES = 4096;

const STARTS: readonly (readonly [string, FileKind])[] = [
  ['\x89HDF\r\n\x1a\n', 'hdf5'],
  ['\x93NUMPY', 'npy'],
  ['II*\0', 'tiff'],
  ['MM\0*', 'tiff'],
  ['II+\0', 'tiff'],
  ['MM\0+', 'tiff'],
  ['###CBF', 'cbf'],
  ['\x1f\x8b', 'gzip'],
  ['\x1f\x9d', 'compress'],
  ['BZh', 'bzip2'],
  ['\xfd7zXZ\0', 'xz'],
  ['\x28\xb5\x2f\xfd', 'zstd'],
  ['PK\x03\x04', 'zip'],
  ['\x89PNG\r\n\x1a\n', 'png'],
  ['\xff\xd8\xff', 'jpeg'],
  ['SIMPLE  =', 'fits'],
  ['CDF\x01', 'netcdf'],
  ['CDF\x02', 'netcdf'],
  ['CDF\x05', 'netcdf'],
  ['MATLAB 5.0', 'matlab'],
];

/** Advice for files of unsupported formats. */
export const UNREAD: Readonly<Record<UnreadKind, string>> = {
  bzip2: 'the file is packed with bzip2, which is not supported: unpack it with "bzip2 -d", or pack it with gzip',
  xz: 'the file is packed with xz, which is not supported: unpack it with "xz -d", or pack it with gzip',
  zstd: 'the file is packed with zstd, which is not supported: unpack it with "zstd -d", or pack it with gzip',
  compress: 'the file is packed with compress, which is not supported: unpack it with "gzip -d", or pack it with gzip',
  zip: 'the file is a ZIP archive (as NPZ files are), which is not supported: unpack it and name the files in it',
  png: 'the file is a PNG image, which is not supported: save the values as TIFF or NPY',
  jpeg: 'the file is a JPEG image, which is not supported: it does not contain the measured values',
  fits: 'the file is FITS, which is not supported: convert it to HDF5, NPY or TIFF',
  smv: 'the file is SMV (ADSC), which is not supported: convert it to CBF, HDF5, NPY or TIFF',
  netcdf: 'the file is NetCDF 3, which is not supported: convert it to HDF5 (NetCDF 4 is HDF5)',
  matlab: 'the file is a MATLAB file of version 5, which is not supported: save it with -v7.3, which is HDF5',
};

/** The format of a file by its first bytes (up to KIND_BYTES of them); undefined for an unknown format. */
export function fileKind(bytes: Uint8Array): FileKind | undefined {
  const text = latin1(bytes, 0, Math.min(bytes.length, KIND_BYTES));
  for (const [start, kind] of STARTS) if (text.startsWith(start)) return kind;
  // HDF5 specification, III.A: the signature is at 0, 512 or a power of two above.
  for (let at = 512; at + 8 <= text.length; at *= 2) if (text.startsWith('\x89HDF\r\n\x1a\n', at)) return 'hdf5';
  if (text.includes('--CIF-BINARY-FORMAT-SECTION--')) return 'cbf';
  if (/^\s*\{\s*HEADER_BYTES\s*=/.test(text)) return 'smv';
  if (/^\s*\{[^{}]*?\b(EDF_\w+|HeaderID|ByteOrder|DataType|Dim_1)\s*=/i.test(text)) return 'edf';
  return undefined;
}

/** A readable form of the first bytes of an unknown format. */
export function showStart(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'the file is empty';
  const start = latin1(bytes, 0, Math.min(bytes.length, 12));
  const isText = /^[\x20-\x7e\r\n\t]+$/.test(start);
  return `the file begins with ${isText ? JSON.stringify(start) : `the bytes ${Buffer.from(start, 'latin1').toString('hex')}`}`;
}
