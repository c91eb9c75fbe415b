import type { DefinitionDocs } from '../errors/definition-docs.js';
import type { Frame, FrameHeader } from '../frame/frame.js';
import type { SeriesMessage } from '../frame/series.js';

/** A parsed message. `data` aliases the message: the caller copies it into a slot before the message is released. */
export interface DecodedFrame extends FrameHeader {
  /** Exactly the product of shape and item size, little-endian, C order. */
  readonly data: Uint8Array;
}

/**
 * Converts bytes to a frame and back, without I/O. `decode` treats its input as hostile: it checks every length and
 * throws a MillraceError with ERR_MESSAGE_MALFORMED or ERR_MESSAGE_PARTS. `encode` returns the parts of one message;
 * parts may alias the frame.
 */
export interface Codec {
  readonly name: string;
  readonly description?: string;
  /** For the pages of the reference. */
  readonly docs?: DefinitionDocs;
  /** Of a codec in a module of its own: `import.meta.url`. The builder needs it to load the codec in other threads. */
  readonly module?: string | URL;
  /** Packages that it loads when they are needed; `millrace info` prints their versions. */
  readonly clients?: readonly string[];
  /** Number of the part that is the unmodified data of a frame, if there is one: it may be read directly into its slot. */
  readonly bodyPart?: number;
  decode(parts: readonly Uint8Array[]): DecodedFrame;
  encode(frame: Frame): Uint8Array[];
  /**
   * The start or end of a series in a message, if the format has such messages; undefined for a message with a frame.
   */
  decodeSeries?(parts: readonly Uint8Array[]): SeriesMessage | undefined;
  encodeSeries?(message: SeriesMessage): Uint8Array[];
}

/** Types a codec; the default export of a codec module. */
export function defineCodec(codec: Codec): Codec {
  return codec;
}

export type { DType, TypedArray } from '../frame/dtype.js';
export type { Frame, FrameHeader, Meta } from '../frame/frame.js';
export type { SeriesMessage } from '../frame/series.js';
