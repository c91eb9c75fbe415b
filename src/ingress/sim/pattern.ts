/** The content of the frames of a simulated detector. */
export interface Pattern {
  /** Writes frame `number` (from 0) to all of `bytes`, which is aligned to the item size. */
  fill(number: number, bytes: Uint8Array): void;
}

/** Draws the first `size` frames once and then repeats them in turn; frame n is frame n mod size. Size 0 draws every frame. */
export class Pool implements Pattern {
  readonly #pattern: Pattern;
  readonly #frames: (Uint8Array | undefined)[];

  constructor(pattern: Pattern, size: number) {
    this.#pattern = pattern;
    this.#frames = new Array(size).fill(undefined);
  }

  fill(number: number, bytes: Uint8Array): void {
    const size = this.#frames.length;
    const drawn = size > 0 ? this.#frames[number % size] : undefined;
    if (drawn) {
      bytes.set(drawn);
      return;
    }
    this.#pattern.fill(size > 0 ? number % size : number, bytes);
    if (size > 0) this.#frames[number % size] = bytes.slice();
  }
}
