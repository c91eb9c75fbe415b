import { ADDRESS_BYTES } from './chunk-entries.js';
import type { ChunkIndex, StoredChunk } from './chunk-grid.js';
import { damaged } from './damaged.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { type StructureBytes, UNDEFINED } from './structure-bytes.js';
import { StructureCache } from './structure-cache.js';

const HEADER_BYTES = 38;
/** Signature, version, type and checksum. */
const NODE_OVERHEAD_BYTES = 10;
const NOT_FILTERED = 10;
const FILTERED = 11;
const MAX_DEPTH = 16;

interface Record {
  readonly place: readonly number[];
  readonly chunk: StoredChunk;
}

interface Node {
  readonly records: readonly Record[];
  readonly children: readonly { readonly address: number; readonly records: number }[];
}

/** Bytes that hold a number up to this one. */
const bytesFor = (value: number): number => Math.floor(Math.floor(Math.log2(Math.max(1, value))) / 8) + 1;

/** The chunk index of a dataset that grows along several dimensions. Definition: HDF5 File Format Specification 4.0, III.A.2. */
export function btreeV2Index(file: Hdf5Bytes, address: number, rank: number, chunkBytes: number): ChunkIndex {
  if (address === UNDEFINED) return { empty: true, find: () => undefined };
  const header = file.checkedStructure(address, HEADER_BYTES, 'chunk tree');
  header.signature('BTHD');
  header.skip(1);
  const type = header.u8();
  const nodeBytes = header.u32();
  const recordBytes = header.u16();
  const depth = header.u16();
  header.skip(2);
  const root = header.address(ADDRESS_BYTES);
  const rootRecords = header.u16();
  const sizeBytes = type === FILTERED ? recordBytes - ADDRESS_BYTES - 4 - 8 * rank : 0;
  if ((type !== FILTERED && type !== NOT_FILTERED) || depth > MAX_DEPTH || nodeBytes <= NODE_OVERHEAD_BYTES)
    throw damaged('the tree of chunks has parameters out of range');
  if (type === FILTERED ? sizeBytes < 1 || sizeBytes > 8 : recordBytes !== ADDRESS_BYTES + 8 * rank)
    throw damaged('the records of the tree of chunks have a size that is not known');

  // How long the counts in the pointers of a level are depends on how many records fit below.
  const leafMax = Math.floor((nodeBytes - NODE_OVERHEAD_BYTES) / recordBytes);
  const countBytes = bytesFor(leafMax);
  const totalBytes = [0];
  for (let level = 1, total = leafMax; level <= depth; level++) {
    const pointerBytes = ADDRESS_BYTES + countBytes + totalBytes[level - 1]!;
    const max = Math.floor((nodeBytes - NODE_OVERHEAD_BYTES - pointerBytes) / (recordBytes + pointerBytes));
    total = (max + 1) * total + max;
    if (!Number.isSafeInteger(total)) throw damaged('the tree of chunks is too deep');
    totalBytes.push(bytesFor(total));
  }
  const nodes = new StructureCache<Node>();

  return {
    empty: root === UNDEFINED || rootRecords === 0,
    find(place) {
      if (root === UNDEFINED) return undefined;
      let next = { address: root, records: rootRecords };
      for (let level = depth; ; level--) {
        const at = next;
        const { records, children } = nodes.get(at.address, () => readNode(at.address, at.records, level));
        let low = 0;
        let high = records.length;
        while (low < high) {
          const middle = (low + high) >> 1;
          if (compare(records[middle]!.place, place) < 0) low = middle + 1;
          else high = middle;
        }
        const record = records[low];
        if (record && compare(record.place, place) === 0) return record.chunk;
        if (level === 0) return undefined;
        next = children[low]!;
      }
    },
  };

  function readNode(place: number, count: number, level: number): Node {
    const pointerBytes = level > 0 ? ADDRESS_BYTES + countBytes + totalBytes[level - 1]! : 0;
    const lengthBytes = NODE_OVERHEAD_BYTES + count * recordBytes + (level > 0 ? (count + 1) * pointerBytes : 0);
    const bytes = file.checkedStructure(place, lengthBytes, 'chunk tree node');
    bytes.signature(level > 0 ? 'BTIN' : 'BTLF');
    bytes.skip(2);
    const records = Array.from({ length: count }, () => readRecord(bytes));
    const children: Node['children'][number][] = [];
    for (let child = 0; level > 0 && child <= count; child++) {
      children.push({ address: bytes.length(ADDRESS_BYTES), records: bytes.length(countBytes) });
      bytes.skip(totalBytes[level - 1]!);
    }
    return { records, children };
  }

  function readRecord(bytes: StructureBytes): Record {
    const chunkAddress = bytes.length(ADDRESS_BYTES);
    const storedBytes = sizeBytes > 0 ? bytes.length(sizeBytes) : chunkBytes;
    const skipped = sizeBytes > 0 ? bytes.u32() : 0;
    return { place: Array.from({ length: rank }, () => bytes.length(8)), chunk: { address: chunkAddress, storedBytes, skipped } };
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < b.length; index++) if (a[index] !== b[index]) return a[index]! - b[index]!;
  return 0;
}
