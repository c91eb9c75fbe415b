import { itemSize } from '../frame/dtype.js';
import { type MessageHeader, malformed } from './message-header.js';

/**
 * The bytes of the items of a message, little-endian, exactly as many as its header announces: the part itself, or a
 * swapped copy.
 */
export function itemBytes(codec: string, header: MessageHeader, data: Uint8Array): Uint8Array {
  if (data.length !== header.lengthBytes) {
    throw malformed(codec, `${data.length} bytes, but ${header.lengthBytes} announced by ${header.dtype} [${header.shape.join(', ')}]`);
  }
  const size = itemSize(header.dtype);
  if (!header.bigEndian || size === 1) return data;
  const swapped = Buffer.from(data);
  if (size === 2) return swapped.swap16();
  return size === 4 ? swapped.swap32() : swapped.swap64();
}
