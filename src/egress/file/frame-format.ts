import type { FileHandle } from 'node:fs/promises';
import type { Frame } from '../../frame/frame.js';

export interface Recovered {
  /** The leading bytes of the file that form whole rows or frames; 0 if none do. */
  readonly wholeBytes: number;
  /** Whether the file was complete. */
  readonly complete: boolean;
  /** New first bytes. */
  readonly head?: Uint8Array;
}

/** The layout of frames in a file. `rolled` files hold many frames, the others one. */
export interface FrameFormat {
  /** Frames of one file have the same layout. Throws ERR_SINK for a frame that the format cannot store. */
  layout(frame: Frame): string;
  /** Bytes before the first frame. */
  begin(frame: Frame): Uint8Array | undefined;
  encode(frame: Frame): Uint8Array[];
  /** New first bytes of a complete file with this number of frames of the layout of `first`. */
  finish?(layout: string, frames: number): Uint8Array;
  /** The contents of an unfinished file. */
  recover(handle: FileHandle, sizeBytes: number): Promise<Recovered>;
}
