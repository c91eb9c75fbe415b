import type { Codec } from '../codecs/codec.js';
import type { Frame } from '../frame/frame.js';
import type { Delivery } from './egress.js';

export type RefusedFrame = NonNullable<Delivery['refused']>[number];

export interface EncodedFrame {
  /** Index in the batch. */
  readonly index: number;
  /** May alias the frame. */
  readonly parts: readonly Uint8Array[];
}

/** Encodes the messages of a batch; a frame that the codec cannot express is refused without delaying the others. */
export function encodeFrames(codec: Codec, frames: readonly Frame[]): { encoded: EncodedFrame[]; refused: RefusedFrame[] } {
  const encoded: EncodedFrame[] = [];
  const refused: RefusedFrame[] = [];
  for (const [index, frame] of frames.entries()) {
    try {
      encoded.push({ index, parts: codec.encode(frame) });
    } catch (thrown) {
      const detail = thrown instanceof Error ? thrown.message : String(thrown);
      refused.push({ index, reason: 'encode-failed', detail: `frame ${frame.ordinal} of ${frame.source}: ${detail}` });
    }
  }
  return { encoded, refused };
}
