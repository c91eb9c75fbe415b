import { type DType, itemSize, type TypedArray, typedView } from '../../frame/dtype.js';
import { refuseCbf } from './section.js';

/**
 * The byte-offset compression (CBFlib manual, "CBF_BYTE_OFFSET"): each item is the difference from the previous one, in
 * 1, 2, 4 or 8 bytes; the smallest value of each size announces the next size.
 *
 * CBFlib writes differences within the width of the element, so that 0 after 255 is +1: they wrap. A difference of 8
 * bytes is exact where the element is narrower, and its result must be in range.
 */
export function unpackByteOffset(packed: Buffer, count: number, dtype: DType): TypedArray {
  return dtype === 'int64' || dtype === 'uint64' ? unpackLong(packed, count, dtype) : unpackShort(packed, count, dtype);
}

const truncated = () => refuseCbf('the data end inside an item');

function unpackShort(packed: Buffer, count: number, dtype: DType): TypedArray {
  const items = typedView(dtype, new ArrayBuffer(count * itemSize(dtype)), 0, count) as Int32Array;
  const end = packed.length;
  let at = 0;
  let value = 0;
  for (let item = 0; item < count; item++) {
    if (at >= end) throw refuseCbf(`the data end after ${item} of ${count} items`);
    let delta = (packed[at++]! << 24) >> 24;
    let isExact = false;
    if (delta === -0x80) {
      if (at + 2 > end) throw truncated();
      delta = packed.readInt16LE(at);
      at += 2;
      if (delta === -0x8000) {
        if (at + 4 > end) throw truncated();
        delta = packed.readInt32LE(at);
        at += 4;
        if (delta === -0x80000000) {
          if (at + 8 > end) throw truncated();
          // Exact where it matters: a difference beyond 2^53 leads out of range either way and is refused below.
          delta = packed.readInt32LE(at + 4) * 0x100000000 + packed.readUInt32LE(at);
          at += 8;
          isExact = true;
        }
      }
    }
    // The array wraps the value.
    items[item] = value + delta;
    if (isExact && items[item] !== value + delta) throw refuseCbf(`item ${item} is outside ${dtype}`);
    value = items[item]!;
  }
  if (at !== end) throw refuseCbf(`${end - at} bytes are left after the last item`);
  return items;
}

function unpackLong(packed: Buffer, count: number, dtype: 'int64' | 'uint64'): TypedArray {
  const items = typedView(dtype, new ArrayBuffer(count * 8), 0, count) as BigInt64Array;
  const end = packed.length;
  let at = 0;
  let value = 0n;
  for (let item = 0; item < count; item++) {
    if (at >= end) throw refuseCbf(`the data end after ${item} of ${count} items`);
    const short = (packed[at++]! << 24) >> 24;
    let delta = short;
    let long: bigint | undefined;
    if (short === -0x80) {
      if (at + 2 > end) throw truncated();
      delta = packed.readInt16LE(at);
      at += 2;
      if (delta === -0x8000) {
        if (at + 4 > end) throw truncated();
        delta = packed.readInt32LE(at);
        at += 4;
        if (delta === -0x80000000) {
          if (at + 8 > end) throw truncated();
          long = packed.readBigInt64LE(at);
          at += 8;
        }
      }
    }
    items[item] = value + (long ?? BigInt(delta));
    value = items[item]!;
  }
  if (at !== end) throw refuseCbf(`${end - at} bytes are left after the last item`);
  return items;
}
