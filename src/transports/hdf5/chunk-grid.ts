import { damaged } from './damaged.js';

/** Where a chunk is in the file. */
export interface StoredChunk {
  readonly address: number;
  readonly storedBytes: number;
  /** A bit for each filter that this chunk did not go through. */
  readonly skipped: number;
}

/** Finds the chunk at a place in the grid of chunks (chunk numbers along each dimension); undefined when it was never written. */
export interface ChunkIndex {
  find(place: readonly number[]): StoredChunk | undefined;
  /** Whether any chunk was written at all. */
  readonly empty: boolean;
}

/** Chunks along each dimension. */
export const gridOf = (shape: readonly number[], chunk: readonly number[]): number[] =>
  shape.map((side, dimension) => (side === Number.POSITIVE_INFINITY ? side : Math.ceil(side / chunk[dimension]!)));

/** The number of a chunk where the chunks are counted in C order over a grid whose first side may be without a limit. */
export function linearPlace(place: readonly number[], grid: readonly number[]): number {
  let linear = 0;
  for (let dimension = 0; dimension < place.length; dimension++) {
    linear = (dimension === 0 ? 0 : linear * grid[dimension]!) + place[dimension]!;
    if (!Number.isSafeInteger(linear)) throw damaged('the dataset has too many chunks');
  }
  return linear;
}
