import { MillraceError } from '../errors/errors.js';
import type { Codec } from './codec.js';

const NAME = 'raw';
const MAX_PARTS = 4096;

/**
 * Uninterpreted messages: the parts concatenated as dtype `bytes`, shape [length]. With several parts, `meta.parts` has
 * their lengths, and `encode` splits along them again if they still sum to the payload.
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
      throw new MillraceError('ERR_MESSAGE_PARTS', `${NAME}: ${parts.length} parts, expected 1 to ${MAX_PARTS}`);
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
