import { SeriesKeeper } from './series-keeper.js';

/** The series that a source has open, and whether it is about to end: then nothing is claimed or committed. */
export class OpenSeries {
  readonly keeper = new SeriesKeeper();
  #held: Promise<void> | undefined;

  /** While a series ends: resolves when the next may begin. */
  get held(): Promise<void> | undefined {
    return this.#held;
  }

  /** Number of the open series; 0: there is none. */
  get index(): number {
    return this.keeper.index;
  }

  get id(): string | number | undefined {
    return this.keeper.id;
  }

  /** Lets nothing be claimed or committed until the function that it returns is called. */
  hold(): () => void {
    let release: () => void = () => {};
    this.#held = new Promise((resolve) => {
      release = resolve;
    });
    return () => {
      this.#held = undefined;
      release();
    };
  }
}
