import { damaged, NotUnderstood } from './damaged.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { lookup3 } from './lookup3.js';
import { readSelection, type Selection } from './selection.js';
import { StructureBytes, UNDEFINED } from './structure-bytes.js';

/** A part of a virtual dataset and the part of another dataset that it shows. */
export interface VirtualMapping {
  readonly file: string;
  readonly dataset: string;
  readonly source: Selection;
  readonly target: Selection;
}

const HEAP_HEAD_BYTES = 16;
const OBJECT_HEAD_BYTES = 16;
const MAX_MAPPINGS = 2 ** 20;
// Flags of an entry since version 1 of the list.
const FILE_SHARED = 1;
const DATASET_SHARED = 2;
const SAME_FILE = 4;

/** The mappings of a virtual dataset, out of the global heap. Throws ERR_FORMAT, or NotUnderstood. */
export function readVirtualLayout(file: Hdf5Bytes, heapAddress: number, heapIndex: number): VirtualMapping[] {
  if (heapAddress === UNDEFINED) return [];
  const object = heapObject(file, heapAddress, heapIndex);
  if (
    object.length < 4 ||
    new DataView(object.buffer, object.byteOffset + object.length - 4, 4).getUint32(0, true) !== lookup3(object.subarray(0, -4))
  )
    throw damaged('the checksum of the list of sources does not fit');
  const bytes = new StructureBytes(object.subarray(0, -4), 'list of sources');
  const version = bytes.u8();
  if (version > 1) throw new NotUnderstood(`version ${version} of a list of sources`);
  const count = bytes.length(8);
  if (count > MAX_MAPPINGS) throw damaged(`${count} sources are announced`);
  const mappings: VirtualMapping[] = [];
  for (let index = 0; index < count; index++) {
    const flags = version === 0 ? 0 : bytes.u8();
    const earlier = (field: 'file' | 'dataset') => {
      const other = mappings[bytes.length(8)];
      if (!other) throw damaged('a source refers to one that is not there');
      return other[field];
    };
    const name = flags & SAME_FILE ? '.' : flags & FILE_SHARED ? earlier('file') : bytes.text();
    const dataset = flags & DATASET_SHARED ? earlier('dataset') : bytes.text();
    mappings.push({ file: name, dataset, source: readSelection(bytes), target: readSelection(bytes) });
  }
  return mappings;
}

function heapObject(file: Hdf5Bytes, address: number, index: number): Uint8Array {
  const head = file.structure(address, HEAP_HEAD_BYTES, 'global heap');
  head.signature('GCOL');
  head.skip(4);
  const bytes = file.structure(address, head.length(8), 'global heap');
  bytes.skip(HEAP_HEAD_BYTES);
  while (bytes.left >= OBJECT_HEAD_BYTES) {
    const number = bytes.u16();
    bytes.skip(6);
    const lengthBytes = bytes.length(8);
    if (number === 0) break;
    if (number === index) return bytes.take(lengthBytes);
    bytes.skip(Math.min(bytes.left, Math.ceil(lengthBytes / 8) * 8));
  }
  throw damaged(`object ${index} of a global heap is missing`);
}
