import type { HoldFrame } from './egress.js';

type Release = () => void;

/** How long a frame waits for an earlier frame to be read, before it is copied. */
const PATIENCE_MS = 100;

/**
 * Decides whether a frame is read in place or copied. While the peers make progress, a frame waits until an earlier one
 * has been read. A stalled peer keeps everything that may be held; frames for the others are then copied without
 * waiting, until there is progress again.
 */
export class HoldOrCopy {
  readonly #mayWait: boolean;
  #held = 0;
  #isStalled = false;
  #wake: (() => void) | undefined;

  constructor(mayWait: boolean) {
    this.#mayWait = mayWait;
  }

  /** Releases the frame; undefined: copy it. */
  hold(index: number, hold: HoldFrame): Release | undefined | Promise<Release | undefined> {
    const release = this.#try(index, hold);
    if (release || !this.#mayWait || this.#isStalled || this.#held === 0) return release;
    return this.#wait(index, hold);
  }

  async #wait(index: number, hold: HoldFrame): Promise<Release | undefined> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
    const release = this.#try(index, hold);
    this.#isStalled = release === undefined;
    return release;
  }

  #try(index: number, hold: HoldFrame): Release | undefined {
    const release = hold(index);
    if (!release) return undefined;
    this.#held++;
    return () => {
      release();
      this.#held--;
      this.#isStalled = false;
      this.#wake?.();
    };
  }
}
