import type { Dataset } from 'h5wasm/node';
import { formatError } from '../codecs/file-bytes.js';
import { type DType, dtypeOf, isTypedArray, itemSize } from '../frame/dtype.js';
import type { ClosedSuperblock, LibraryDataset, LibraryFile, OpenLibraryFile } from './hdf5/library-file.js';
import { type Hdf5Frames, openFrames } from './hdf5/open-frames.js';
import { importByName, loadOptional } from './load-optional.js';

export type { Hdf5Frames } from './hdf5/open-frames.js';

const INTEGER = 0;
const FLOAT = 1;
const ADDRESS_BYTES = 8;

const refuse = (detail: string, cause?: unknown) => formatError('hdf5', detail, cause);

/**
 * Opens the frames of an HDF5 file. The HDF5 library (h5wasm) reads the tree and rare encodings; the reader in `hdf5/`,
 * which has the filters that the library lacks, reads the pixels. Throws ERR_FORMAT for unsupported files,
 * ERR_CONFIG_INVALID for a dataset that is missing or ambiguous.
 */
export async function openHdf5Frames(path: string, dataset?: string): Promise<Hdf5Frames> {
  return openFrames(path, dataset, await loadLibrary());
}

async function loadLibrary(): Promise<OpenLibraryFile> {
  const h5wasm = await loadOptional('h5wasm', () => importByName<typeof import('h5wasm/node')>('h5wasm/node'));
  const module = await h5wasm.ready;
  // Without this, a chunk that cannot be read leaves stale memory in the result, and a report on stderr.
  module.activate_throwing_error_handler();
  wrapped ??= wrapFileSystem(module.FS as unknown as LibraryFileSystem);
  const { closedFiles, closeReports } = wrapped;
  const guarded = <T>(call: () => T): T => {
    try {
      return call();
    } catch (error) {
      closeReports();
      throw error;
    }
  };

  return (path, closed) => {
    if (closed) closedFiles.set(path, closed);
    const forget = () => {
      closedFiles.delete(path);
    };
    try {
      return libraryFile(
        guarded(() => new h5wasm.File(path, 'r')),
        forget,
      );
    } catch (error) {
      forget();
      throw error;
    }
  };

  function libraryFile(file: InstanceType<typeof h5wasm.File>, onClose: () => void): LibraryFile {
    const id = file.file_id;
    const datasetAt = (path: string): Dataset => {
      const entity = file.get(path);
      if (entity instanceof h5wasm.Dataset) return entity;
      throw refuse(`${path} is no dataset`);
    };
    let isOpen = true;
    return {
      typeOf(path) {
        const type = guarded(() => module.get_type(id, path));
        return type === module.H5G_GROUP ? 'group' : type === module.H5G_DATASET ? 'dataset' : undefined;
      },
      linkAt(path) {
        // Asked first because it gives -1 where there is nothing; the other calls fail.
        if (guarded(() => module.get_type(id, path)) < 0) throw refuse(`there is no ${path}`);
        const external = guarded(() => module.get_external_link(id, path));
        if (external.filename !== undefined) return { file: external.filename, path: external.obj_path };
        // Null where it is no soft link, in spite of the declared type.
        const soft: unknown = guarded(() => module.get_symbolic_link(id, path));
        return typeof soft === 'string' ? { path: soft } : undefined;
      },
      names: (path) => guarded(() => module.get_names(id, path, false)),
      textAttribute(path, name) {
        if (!guarded(() => module.get_attribute_names(id, path)).includes(name)) return undefined;
        const value: unknown = guarded(() => new h5wasm.Attribute(id, path, name).json_value);
        const text: unknown = Array.isArray(value) ? value[0] : value;
        return typeof text === 'string' && text !== '' ? text : undefined;
      },
      addressOf(path) {
        const reference = Uint8Array.from(guarded(() => module.create_object_reference(id, path)));
        if (reference.length !== ADDRESS_BYTES) throw refuse('an object reference has an unknown form');
        return Number(new DataView(reference.buffer).getBigUint64(0, true));
      },
      describe: (path) => guarded(() => describeDataset(datasetAt(path))),
      readBox(path, start, count) {
        const dataset = guarded(() => datasetAt(path));
        const data: unknown = guarded(() => dataset.slice(start.map((at, dimension): [number, number] => [at, at + count[dimension]!])));
        const { dtype } = describeDataset(dataset);
        if (!isTypedArray(data) || dtypeOf(data) !== dtype) throw refuse(`the HDF5 library gives no items of ${dtype}`);
        return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      },
      close() {
        if (!isOpen) return;
        isOpen = false;
        file.close();
        onClose();
      },
    };
  }
}

interface LibraryStream {
  readonly path?: string;
  readonly position: number;
}

/** The part of Emscripten's file system through which the library reads. */
interface LibraryFileSystem {
  open(path: string, ...rest: unknown[]): LibraryStream;
  close(stream: LibraryStream): void;
  read(stream: LibraryStream, buffer: Int8Array, offset: number, length: number, position?: number): number;
}

interface WrappedFileSystem {
  /** Files for which the library sees other first bytes than the file has, by path. */
  readonly closedFiles: Map<string, ClosedSuperblock>;
  /** Closes the temporary files in which h5wasm collects the report of an error, which it leaves open. */
  closeReports(): void;
}

let wrapped: WrappedFileSystem | undefined;

/**
 * The library refuses a file that a writer has open or did not close, by a flag of the superblock, and one that is shorter
 * than its superblock says; the pixels that are there can be read all the same. So it is shown a superblock without.
 */
function wrapFileSystem(fileSystem: LibraryFileSystem): WrappedFileSystem {
  const closedFiles = new Map<string, ClosedSuperblock>();
  const reports: LibraryStream[] = [];
  const { open, read } = fileSystem;
  fileSystem.open = (path, ...rest) => {
    const stream = open.call(fileSystem, path, ...rest);
    if (/\/tmpfile_\w+$/.test(path)) reports.push(stream);
    return stream;
  };
  fileSystem.read = (stream, buffer, offset, length, position) => {
    const start = position ?? stream.position;
    const count = read.call(fileSystem, stream, buffer, offset, length, position);
    const closed = stream.path === undefined ? undefined : closedFiles.get(stream.path);
    if (closed) {
      const from = Math.max(start, closed.place);
      const end = Math.min(start + count, closed.place + closed.bytes.length);
      if (from < end) buffer.set(closed.bytes.subarray(from - closed.place, end - closed.place), offset + from - start);
    }
    return count;
  };
  return {
    closedFiles,
    closeReports() {
      for (const stream of reports.splice(0)) {
        try {
          fileSystem.close(stream);
        } catch {
          // Already closed by the library.
        }
      }
    },
  };
}

function describeDataset({ metadata, shape, filters }: Dataset): LibraryDataset {
  if (!shape) throw refuse('a dataset without a shape');
  const dtype = dtypeOfMetadata(metadata);
  return { shape, dtype, itemBytes: itemSize(dtype), chunk: metadata.chunks ?? undefined, filters };
}

function dtypeOfMetadata(metadata: { type: number; size: number; signed: boolean }): DType {
  const bits = metadata.size * 8;
  if (metadata.type === INTEGER && [8, 16, 32, 64].includes(bits)) return `${metadata.signed ? 'int' : 'uint'}${bits}` as DType;
  if (metadata.type === FLOAT && (bits === 32 || bits === 64)) return `float${bits}`;
  throw refuse(`items of class ${metadata.type} with ${bits} bits are not read`);
}
