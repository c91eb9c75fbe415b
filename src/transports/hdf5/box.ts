/** Reads boxes of items out of an array of any number of dimensions, as little-endian bytes in C order. */
export interface ArrayReader {
  readonly shape: readonly number[];
  readonly itemBytes: number;
  /**
   * Fills `output` with the items from `start` on, `count` along each dimension; the caller stays within the shape. Throws
   * ERR_FORMAT where they cannot be read, or none of them was ever written.
   */
  readBox(start: readonly number[], count: readonly number[], output: Uint8Array): void;
  close?(): void;
}

/** A box of items within the bytes of a larger one. */
export interface BoxPlace {
  readonly bytes: Uint8Array;
  readonly shape: readonly number[];
  readonly start: readonly number[];
}

export function itemsOf(count: readonly number[]): number {
  let items = 1;
  for (const side of count) items *= side;
  return items;
}

/** Copies `count` items from a place in one box to a place in another, row by row. */
export function copyBox(from: BoxPlace, to: BoxPlace, count: readonly number[], itemBytes: number): void {
  const rank = count.length;
  if (rank === 0) {
    to.bytes.set(from.bytes.subarray(0, itemBytes));
    return;
  }
  if (itemsOf(count) === 0) return;
  // Dimensions that are whole in both boxes belong to one run of bytes.
  let inner = rank - 1;
  let runItems = count[inner]!;
  while (inner > 0 && count[inner] === from.shape[inner] && count[inner] === to.shape[inner]) {
    inner--;
    runItems *= count[inner]!;
  }
  const runBytes = runItems * itemBytes;
  const position = new Array<number>(inner).fill(0);
  for (;;) {
    const source = offsetOf(from, position) * itemBytes;
    const target = offsetOf(to, position) * itemBytes;
    to.bytes.set(from.bytes.subarray(source, source + runBytes), target);
    let dimension = inner - 1;
    while (dimension >= 0 && ++position[dimension]! === count[dimension]) position[dimension--] = 0;
    if (dimension < 0) return;
  }
}

function offsetOf({ shape, start }: BoxPlace, position: readonly number[]): number {
  let offset = 0;
  for (let dimension = 0; dimension < shape.length; dimension++)
    offset = offset * shape[dimension]! + start[dimension]! + (position[dimension] ?? 0);
  return offset;
}

/** Calls back for each place of a grid between two corners (the second one is outside), the last dimension fastest. */
export function forEachPlace(first: readonly number[], end: readonly number[], visit: (place: readonly number[]) => void): void {
  if (first.some((side, dimension) => side >= end[dimension]!)) return;
  const place = [...first];
  for (;;) {
    visit(place);
    let dimension = place.length - 1;
    while (dimension >= 0 && ++place[dimension]! === end[dimension]) {
      place[dimension] = first[dimension]!;
      dimension--;
    }
    if (dimension < 0) return;
  }
}

/** Turns the bytes of each item round, in place. */
export function swapItems(bytes: Uint8Array, itemBytes: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (itemBytes === 2) buffer.swap16();
  else if (itemBytes === 4) buffer.swap32();
  else if (itemBytes === 8) buffer.swap64();
}
