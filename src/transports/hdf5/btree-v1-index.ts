import type { ChunkIndex, StoredChunk } from './chunk-grid.js';
import { damaged } from './damaged.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { UNDEFINED } from './structure-bytes.js';
import { StructureCache } from './structure-cache.js';

const HEAD_BYTES = 24;
const MAX_LEVEL = 16;

interface Node {
  readonly level: number;
  /** Of each entry: the offsets of its first chunk, in items. */
  readonly keys: readonly (readonly number[])[];
  readonly chunks: readonly StoredChunk[];
}

/** The chunk index of files before HDF5 1.10, and of those that are written to be read by such versions. */
export function btreeV1Index(file: Hdf5Bytes, root: number, chunk: readonly number[]): ChunkIndex {
  const rank = chunk.length;
  const keyBytes = 8 + 8 * (rank + 1);
  const nodes = new StructureCache<Node>();

  return {
    empty: root === UNDEFINED,
    find(place) {
      if (root === UNDEFINED) return undefined;
      const offsets = place.map((side, dimension) => side * chunk[dimension]!);
      let address = root;
      for (let depth = 0, level = MAX_LEVEL; depth <= MAX_LEVEL; depth++) {
        const at = address;
        const node = nodes.get(at, () => readNode(at));
        if (node.level >= level && depth > 0) throw damaged('a node of the chunk index is on a wrong level');
        level = node.level;
        const entry = lastNotAfter(node.keys, offsets);
        if (entry < 0) return undefined;
        const found = node.chunks[entry]!;
        if (level === 0) return compare(node.keys[entry]!, offsets) === 0 ? found : undefined;
        address = found.address;
      }
      throw damaged('the chunk index is too deep');
    },
  };

  function readNode(address: number): Node {
    const head = file.structure(address, HEAD_BYTES, 'chunk index');
    head.signature('TREE');
    if (head.u8() !== 1) throw damaged('the chunk index is of another type');
    const level = head.u8();
    const entries = head.u16();
    const body = file.structure(address + HEAD_BYTES, entries * (keyBytes + 8), 'chunk index');
    const keys: number[][] = [];
    const chunks: StoredChunk[] = [];
    for (let entry = 0; entry < entries; entry++) {
      const storedBytes = body.u32();
      const skipped = body.u32();
      keys.push(Array.from({ length: rank }, () => body.length(8)));
      body.skip(8);
      chunks.push({ address: body.length(8), storedBytes, skipped });
    }
    return { level, keys, chunks };
  }
}

/** The last key that is not after the offsets, or -1. */
function lastNotAfter(keys: readonly (readonly number[])[], offsets: readonly number[]): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(keys[middle]!, offsets) <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < b.length; index++) if (a[index] !== b[index]) return a[index]! - b[index]!;
  return 0;
}
