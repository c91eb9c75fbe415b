import { byteLength, isDType, MAX_DIMENSIONS, MAX_SIDE } from './dtype.js';
import type { FrameHeader } from './frame.js';

/** What is wrong with a frame that comes from code of a user, in words; undefined where nothing is. */
export function headerProblem(header: FrameHeader, data?: unknown): string | undefined {
  if (typeof header !== 'object' || header === null) return 'the header of a frame must be an object';
  const { dtype, shape, sequence, timestamp, meta } = header as { readonly [key in keyof FrameHeader]: unknown };
  if (!isDType(dtype)) return `a frame cannot have the dtype ${JSON.stringify(dtype)}`;
  if (!Array.isArray(shape) || shape.length > MAX_DIMENSIONS || !shape.every(isSide))
    return `a frame cannot have the shape ${JSON.stringify(shape)}: at most ${MAX_DIMENSIONS} whole numbers from 0 on`;
  if (sequence !== undefined && !(Number.isSafeInteger(sequence) && (sequence as number) >= 0))
    return `the sequence of a frame must be a whole number from 0 on, not ${String(sequence)}`;
  if (timestamp !== undefined && typeof timestamp !== 'number')
    return `the timestamp of a frame must be a number, not ${String(timestamp)}`;
  if (meta !== undefined && (typeof meta !== 'object' || meta === null || Array.isArray(meta)))
    return 'the meta of a frame must be an object';
  if (data === undefined) return undefined;
  if (!(data instanceof Uint8Array)) return 'the data of a frame must be a Uint8Array';
  const lengthBytes = byteLength(dtype, shape);
  if (data.length !== lengthBytes) return `a frame of ${dtype} [${shape.join(', ')}] has ${lengthBytes} bytes, not ${data.length}`;
}

const isSide = (side: unknown): boolean => Number.isInteger(side) && (side as number) >= 0 && (side as number) <= MAX_SIDE;
