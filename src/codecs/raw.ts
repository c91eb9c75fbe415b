import { MillraceError } from '../errors/errors.js';
import type { Codec } from './codec.js';

const NAME = 'raw';
const MAX_PARTS = 4096;

/**
 * Messages that nobody interprets: the parts in a row as dtype `bytes`, shape [length]. With several parts their lengths
 * stand in `meta.parts`, and `encode` cuts along them again, as long as they still add up to the payload.
 */
export const raw: Codec = {
  name: NAME,
  description: 'The bytes of the message as they are, as a frame of dtype `bytes`.',
  docs: {
    text: `The frame has the shape \`[length]\`. If a message has several parts, they are concatenated, and \`meta.parts\` has
their lengths. A sink cuts the frame into these parts again, if the lengths still add up. A message has at most 4096
parts.`,
  },
  bodyPart: 0,

  decode(parts) {
    if (parts.length === 0 || parts.length > MAX_PARTS) {
      throw new MillraceError('ERR_MESSAGE_PARTS', `${NAME}: ${parts.length} parts, 1 to ${MAX_PARTS} expected`);
    }
    if (parts.length === 1) return { dtype: 'bytes', shape: [parts[0]!.length], data: parts[0]! };
    const data = Buffer.concat(parts);
    return { dtype: 'bytes', shape: [data.length], meta: { parts: parts.map((part) => part.length) }, data };
  },

  encode(frame) {
    const lengths = frame.meta.parts;
    if (!Array.isArray(lengths) || !addsUp(lengths, frame.bytes.length)) return [frame.bytes];
    let offset = 0;
    return lengths.map((lengthBytes: number) => {
      offset += lengthBytes;
      return frame.bytes.subarray(offset - lengthBytes, offset);
    });
  },
};

function addsUp(lengths: readonly unknown[], totalBytes: number): boolean {
  let sum = 0;
  for (const length of lengths) {
    if (typeof length !== 'number' || !Number.isSafeInteger(length) || length < 0) return false;
    sum += length;
  }
  return lengths.length > 0 && sum === totalBytes;
}
