import type { Frame, FrameHeader } from '../frame/frame.js';

/** A message taken apart. `data` aliases the message: the caller copies it into a slot before the message goes away. */
export interface DecodedFrame extends FrameHeader {
  /** Exactly the product of shape and item size, little-endian, C order. */
  readonly data: Uint8Array;
}

/**
 * Bytes to frame and back, no I/O. `decode` trusts nothing: it checks every length and throws a MillraceError with
 * ERR_MESSAGE_MALFORMED or ERR_MESSAGE_PARTS. `encode` returns the parts of one message; parts may alias the frame.
 */
export interface Codec {
  readonly name: string;
  decode(parts: readonly Uint8Array[]): DecodedFrame;
  encode(frame: Frame): Uint8Array[];
}

export type { DType, TypedArray } from '../frame/dtype.js';
export type { Frame, FrameHeader, Meta } from '../frame/frame.js';
