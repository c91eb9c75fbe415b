import { type ArrayReader, copyBox, forEachPlace, itemsOf, swapItems } from './box.js';
import type { StoredChunk } from './chunk-grid.js';
import { openChunkIndex } from './chunk-index.js';
import { damaged } from './damaged.js';
import type { DatasetHeader, Layout } from './dataset-header.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { fillItems } from './fill-items.js';
import { undoFilters } from './filter-pipeline.js';
import { UnpackedChunks } from './unpacked-chunks.js';

/** A chunk is unpacked as a whole: a larger one is refused. */
const MAX_CHUNK_BYTES = 2 ** 30;
/** Dimensions of one frame: the others say which frame. */
const FRAME_RANK = 2;

/** The items of a chunked dataset. Each chunk is read from the file and unpacked by itself, once where it fits into the bound. */
export function chunkedArray(file: Hdf5Bytes, header: DatasetHeader, layout: Extract<Layout, { kind: 'chunked' }>): ArrayReader {
  const { shape, element, filters } = header;
  const { chunk } = layout;
  const itemBytes = element.bytes;
  const chunkBytes = itemsOf(chunk) * itemBytes;
  if (chunkBytes > MAX_CHUNK_BYTES) throw damaged(`a chunk has ${chunkBytes} bytes, but the limit is ${MAX_CHUNK_BYTES}`);
  const index = openChunkIndex(file, header, layout, chunkBytes);
  if (index.empty && itemsOf(shape) > 0) throw damaged('nothing was ever written into the dataset');
  const kept = new UnpackedChunks();
  const leading = Math.max(0, shape.length - FRAME_RANK);

  return {
    shape,
    itemBytes,
    readBox(start, count, output) {
      const first = start.map((at, dimension) => Math.floor(at / chunk[dimension]!));
      const end = start.map((at, dimension) => Math.ceil((at + count[dimension]!) / chunk[dimension]!));
      let written = 0;
      let unwritten = 0;
      forEachPlace(first, end, (place) => {
        const origin = place.map((side, dimension) => side * chunk[dimension]!);
        const from = start.map((at, dimension) => Math.max(at, origin[dimension]!));
        const size = from.map(
          (at, dimension) => Math.min(start[dimension]! + count[dimension]!, origin[dimension]! + chunk[dimension]!) - at,
        );
        const target = { bytes: output, shape: count, start: from.map((at, dimension) => at - start[dimension]!) };
        const stored = index.find(place);
        if (!stored) {
          unwritten++;
          const empty = fillItems(itemsOf(size), header);
          copyBox({ bytes: empty, shape: size, start: size.map(() => 0) }, target, size, itemBytes);
          return;
        }
        written++;
        const bytes = unpacked(place, stored, itemsOf(size) * itemBytes);
        copyBox({ bytes, shape: chunk, start: from.map((at, dimension) => at - origin[dimension]!) }, target, size, itemBytes);
      });
      if (written === 0 && unwritten > 0) throw damaged('it was never written');
    },
    close: () => kept.clear(),
  };

  function unpacked(place: readonly number[], stored: StoredChunk, neededBytes: number): Uint8Array {
    const name = place.join();
    const known = kept.get(name);
    if (known) return known;
    const bytes = unpack(place, stored);
    if (element.bigEndian) swapItems(bytes, itemBytes);
    if (neededBytes < chunkBytes) kept.keep(name, place.slice(0, leading).join(), bytes);
    return bytes;
  }

  function unpack(place: readonly number[], stored: StoredChunk): Uint8Array {
    const reachesOver = place.some((side, dimension) => (side + 1) * chunk[dimension]! > shape[dimension]!);
    const plain = filters.length === 0 || (layout.plainEdges && reachesOver);
    if (plain && stored.storedBytes !== chunkBytes)
      throw damaged(`a chunk that is not compressed has ${stored.storedBytes} of ${chunkBytes} bytes`);
    const bytes = file.read(stored.address, stored.storedBytes);
    return plain ? bytes : undoFilters(filters, bytes, chunkBytes, stored.skipped);
  }
}
