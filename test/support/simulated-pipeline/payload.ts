import type { FrameView } from '../../../src/frame/frame-view.js';
import { SLOT_MASK } from '../../../src/ring/ring-layout.js';

const PAYLOAD_WORDS = 4;
export const PAYLOAD_BYTES = 4 * PAYLOAD_WORDS;

/** Writes words that tell which output of which frame this is. */
export function fill(frame: FrameView, ordinal: number, output: number): void {
  new Int32Array(frame.bytes.buffer, frame.bytes.byteOffset, PAYLOAD_WORDS).fill(Math.imul(ordinal, 4) + output);
}

/** Throws where it is another one. */
export function check(frame: FrameView, ordinal: number, output: number): void {
  const words = new Int32Array(frame.bytes.buffer, frame.bytes.byteOffset, PAYLOAD_WORDS);
  if (frame.ordinal !== ordinal || words.some((word) => word !== ((Math.imul(ordinal, 4) + output) | 0)))
    throw new Error(`frame ${ordinal}, output ${output}, slot ${frame.slot & SLOT_MASK}: ordinal ${frame.ordinal}, ${[...words]}`);
}
