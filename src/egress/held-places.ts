import type { HoldFrame } from './egress.js';

type Release = () => void;

/** How long a frame waits for one before it to be read, before it is copied. */
const PATIENCE_MS = 100;

/**
 * Decides whether a frame is read where it lies or copied. While the peers go on, a frame waits until one before it has
 * been read. A peer that stands still keeps all that may be held, and then the others' frames are copied without waiting,
 * until something moves again.
 */
export class HeldPlaces {
  readonly #mayWait: boolean;
  #held = 0;
  #standsStill = false;
  #wake: (() => void) | undefined;

  constructor(mayWait: boolean) {
    this.#mayWait = mayWait;
  }

  /** What lets go of the frame; undefined: it is to be copied. */
  hold(index: number, hold: HoldFrame): Release | undefined | Promise<Release | undefined> {
    const release = this.#try(index, hold);
    if (release || !this.#mayWait || this.#standsStill || this.#held === 0) return release;
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
    this.#standsStill = release === undefined;
    return release;
  }

  #try(index: number, hold: HoldFrame): Release | undefined {
    const release = hold(index);
    if (!release) return undefined;
    this.#held++;
    return () => {
      release();
      this.#held--;
      this.#standsStill = false;
      this.#wake?.();
    };
  }
}
