import type { FrameFormat } from './frame-format.js';
import { frameLine } from './frame-line.js';
import { wholeLineBytes } from './last-line.js';

/** One line of JSON per frame; a file can mix frames of any layout. */
export function ndjsonFormat(): FrameFormat {
  return {
    layout: () => '',
    begin: () => undefined,
    encode: (frame) => [Buffer.from(`${frameLine(frame, true)}\n`)],
    async recover(handle, sizeBytes) {
      const wholeBytes = await wholeLineBytes(handle, sizeBytes);
      return { wholeBytes, complete: wholeBytes === sizeBytes };
    },
  };
}
