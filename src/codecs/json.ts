import { type DType, itemCount, itemSize, MAX_DIMENSIONS, type TypedArray, typedView } from '../frame/dtype.js';
import type { Codec } from './codec.js';
import { isNonFiniteWord } from './lenient-json.js';
import { headerFields, malformed, onePart, parseJsonObject, readHeader } from './message-header.js';

const NAME = 'json';
/** Maximum bytes of a message. Larger frames belong in array-1.0: this codec is for profiles and for inspection. */
const MAX_MESSAGE_BYTES = 16 << 20;

/**
 * One JSON part: the keys of array-1.0 and `data`, nested according to the shape or flat in C order. On reading,
 * `shape` may be missing (the nesting then gives it), and so may `type` (then float64). Not-a-number and the infinities
 * are written as `null`, which is read as NaN; the words that Python writes are read too. Integers beyond 2^53 are
 * decimal strings, so that no reader rounds them.
 */
export const json: Codec = {
  name: NAME,
  description: 'One part of JSON: the keys of array-1.0 and the values as `data`, for profiles and for reading by eye.',
  docs: {
    text: `\`data\` is nested as \`shape\` says, or flat in C order. When a message is read, \`shape\` may be missing if \`data\`
is nested, and \`type\` may be missing for float64. A message has at most 16 MiB.

NaN and infinities are written as \`null\`, and \`null\` is read as NaN. \`NaN\` and \`Infinity\`, as Python writes
them, are read too. Integers beyond 2^53 are written as decimal strings.`,
  },

  decode(parts) {
    const fields = parseJsonObject(NAME, onePart(NAME, parts), MAX_MESSAGE_BYTES);
    if (fields.data === undefined) throw malformed(NAME, 'data is missing');
    const header = readHeader(NAME, {
      ...fields,
      shape: fields.shape ?? nestingOf(fields.data),
      type: fields.type ?? fields.dtype ?? 'float64',
    });
    const { dtype, shape, sequence, timestamp, meta } = header;
    const flat = shape.length > 0 && Array.isArray(fields.data) && !fields.data.some(Array.isArray);
    const items: unknown[] = [];
    collect(fields.data, flat ? [itemCount(shape)] : shape, 0, items);
    return { dtype, shape, sequence, timestamp, meta, data: toBytes(dtype, items) };
  },

  encode(frame) {
    const fields = JSON.stringify(headerFields(frame));
    const data = JSON.stringify(nestedItems(frame.data, frame.shape));
    return [Buffer.from(`${fields.slice(0, -1)},"data":${data}}`)];
  },
};

function nestingOf(data: unknown): number[] {
  const shape: number[] = [];
  for (let level = data; Array.isArray(level) && shape.length <= MAX_DIMENSIONS; level = level[0]) shape.push(level.length);
  return shape;
}

/**
 * Flattens data of exactly the given shape; the shape has at most MAX_DIMENSIONS dimensions, which limits the
 * recursion.
 */
function collect(value: unknown, shape: readonly number[], axis: number, items: unknown[]): void {
  if (axis === shape.length) {
    items.push(value);
    return;
  }
  if (!Array.isArray(value) || value.length !== shape[axis]) throw malformed(NAME, `data does not have the shape [${shape.join(', ')}]`);
  for (const entry of value) collect(entry, shape, axis + 1, items);
}

function toBytes(dtype: DType, items: readonly unknown[]): Uint8Array {
  const view = typedView(dtype, new ArrayBuffer(items.length * itemSize(dtype)), 0, items.length);
  const isFloat = view instanceof Float32Array || view instanceof Float64Array;
  const isLong = view instanceof BigInt64Array || view instanceof BigUint64Array;
  items.forEach((item, index) => {
    if (isFloat && (typeof item === 'number' || item === null || isNonFiniteWord(item))) {
      view[index] = item === null ? Number.NaN : Number(item);
      return;
    }
    const value = isLong ? toBigInt(item) : item;
    if (!isFloat && typeof value === (isLong ? 'bigint' : 'number')) {
      view[index] = value as number | bigint;
      // The stored value differs from the given one if that has a fraction or is out of range.
      if (view[index] === value) return;
    }
    throw malformed(NAME, `item ${index} is not a valid ${dtype}`);
  });
  return new Uint8Array(view.buffer);
}

function toBigInt(item: unknown): bigint | undefined {
  if (typeof item === 'number' && Number.isSafeInteger(item)) return BigInt(item);
  return typeof item === 'string' && /^-?\d{1,20}$/.test(item) ? BigInt(item) : undefined;
}

/** Nested lists of the items, as numpy's `tolist` returns them; the bare item for the empty shape. */
export function nestedItems(data: TypedArray, shape: readonly number[], offset = 0): unknown {
  if (shape.length === 0) return plainNumber(data[offset]!);
  const [side, ...rest] = shape as [number, ...number[]];
  const stride = itemCount(rest);
  return Array.from({ length: side }, (_, index) => nestedItems(data, rest, offset + index * stride));
}

function plainNumber(item: number | bigint): number | string {
  if (typeof item === 'number') return item;
  return Number.isSafeInteger(Number(item)) ? Number(item) : item.toString();
}
