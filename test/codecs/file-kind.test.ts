import { expect, test } from 'vitest';
import { fileKind, showStart } from '../../src/codecs/file-kind.js';

const bytes = (text: string) => Buffer.from(text, 'latin1');

test.each<[string, string | undefined]>([
  ['\x89HDF\r\n\x1a\n', 'hdf5'],
  [`${'x'.repeat(512)}\x89HDF\r\n\x1a\n`, 'hdf5'],
  [`${'x'.repeat(2048)}\x89HDF\r\n\x1a\n`, 'hdf5'],
  [`${'x'.repeat(600)}\x89HDF\r\n\x1a\n`, undefined],
  ['\x93NUMPY\x01\x00', 'npy'],
  ['II*\0', 'tiff'],
  ['MM\0*', 'tiff'],
  ['II+\0', 'tiff'],
  ['MM\0+', 'tiff'],
  ['###CBF: VERSION 1.5', 'cbf'],
  ['data_x\n;\n--CIF-BINARY-FORMAT-SECTION--\n', 'cbf'],
  ['{\nEDF_DataBlockID = 0.Image.Psd ;\nEDF_BinarySize = 8 ;\n', 'edf'],
  ['{\nHeaderID = EH:000001:000000:000000 ;\n', 'edf'],
  ['{\nHEADER_BYTES=512;\nDIM=2;\n', 'smv'],
  ['{"shape": [2, 2]}', undefined],
  ['\x1f\x8b\x08', 'gzip'],
  ['BZh9', 'bzip2'],
  ['PK\x03\x04', 'zip'],
  ['SIMPLE  =                    T', 'fits'],
  ['hello', undefined],
  ['', undefined],
])('the first bytes %j are those of %s', (start, kind) => {
  expect(fileKind(bytes(start))).toBe(kind);
});

test('what is shown of an unknown file is short and printable', () => {
  expect(showStart(bytes(''))).toBe('the file is empty');
  expect(showStart(bytes('hello, world and more'))).toBe('the file begins with "hello, world"');
  expect(showStart(bytes('\x00\xff\x1b[2J'))).toBe('the file begins with the bytes 00ff1b5b324a');
});
