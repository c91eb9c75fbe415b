import type { FileHandle } from 'node:fs/promises';
import type { Frame } from '../../frame/frame.js';

export interface Recovered {
  /** The first bytes of the file that are whole rows or frames; 0 when there is none. */
  readonly wholeBytes: number;
  /** Whether nothing was missing. */
  readonly complete: boolean;
  /** New first bytes. */
  readonly head?: Uint8Array;
}

/** How frames stand in a file. `rolled` files hold many frames, the others one. */
export interface FrameFormat {
  /** Frames of one file have the same layout. Throws ERR_SINK for a frame that the format cannot hold. */
  layout(frame: Frame): string;
  /** What stands before the first frame. */
  begin(frame: Frame): Uint8Array | undefined;
  encode(frame: Frame): Uint8Array[];
  /** New first bytes of a file that is complete with so many frames of the layout of `first`. */
  finish?(layout: string, frames: number): Uint8Array;
  /** What a file that was never finished holds. */
  recover(handle: FileHandle, sizeBytes: number): Promise<Recovered>;
}
