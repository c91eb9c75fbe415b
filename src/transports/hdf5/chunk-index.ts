import { btreeV1Index } from './btree-v1-index.js';
import { btreeV2Index } from './btree-v2-index.js';
import { type ChunkIndex, gridOf, linearPlace } from './chunk-grid.js';
import type { DatasetHeader, Layout } from './dataset-header.js';
import { extensibleArrayIndex } from './extensible-array-index.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { fixedArrayIndex } from './fixed-array-index.js';
import { UNDEFINED } from './structure-bytes.js';

/** The index of a chunked dataset, of whichever kind its writer chose. */
export function openChunkIndex(
  file: Hdf5Bytes,
  { shape, maxShape }: DatasetHeader,
  { chunk, index, address }: Extract<Layout, { kind: 'chunked' }>,
  chunkBytes: number,
): ChunkIndex {
  switch (index.type) {
    case 'btree-v1':
      return btreeV1Index(file, address, chunk);
    case 'btree-v2':
      return btreeV2Index(file, address, shape.length, chunkBytes);
    case 'fixed-array':
      return fixedArrayIndex(file, address, maxShape, chunk, chunkBytes);
    case 'extensible-array':
      return extensibleArrayIndex(file, address, maxShape, chunk, chunkBytes);
    case 'single': {
      const only = { address, storedBytes: index.storedBytes ?? chunkBytes, skipped: index.skipped };
      return { empty: address === UNDEFINED, find: () => (address === UNDEFINED ? undefined : only) };
    }
    case 'implicit': {
      const grid = gridOf(maxShape, chunk);
      return {
        empty: address === UNDEFINED,
        find: (place) =>
          address === UNDEFINED
            ? undefined
            : { address: address + linearPlace(place, grid) * chunkBytes, storedBytes: chunkBytes, skipped: 0 },
      };
    }
  }
}
