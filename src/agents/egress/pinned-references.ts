interface Hold {
  /** Frames of the reference that are still read. */
  frames: number;
  /** Its frames are settled: it goes back when the last of them is read no more. */
  settled: boolean;
}

/**
 * References that a sink still reads although their frames are settled: they stay with its thread, as what it has taken and
 * not committed, until it lets go of them. If the thread dies they come again, to be sent again.
 */
export class PinnedReferences {
  readonly #limit: number;
  readonly #release: (reference: number) => void;
  readonly #holds = new Map<number, Hold>();

  /** `release`: gives a settled reference back. */
  constructor(limit: number, release: (reference: number) => void) {
    this.#limit = limit;
    this.#release = release;
  }

  /** Holds a frame of the reference; the function lets go of it, and is called once. Undefined: as many are held as may be. */
  hold(reference: number): (() => void) | undefined {
    let hold = this.#holds.get(reference);
    if (!hold) {
      if (this.#holds.size >= this.#limit) return undefined;
      hold = { frames: 0, settled: false };
      this.#holds.set(reference, hold);
    }
    hold.frames++;
    const held = hold;
    return () => {
      if (--held.frames > 0) return;
      this.#holds.delete(reference);
      if (held.settled) this.#release(reference);
    };
  }

  /** Whether a reference whose frames are being settled stays for now. */
  keeps(reference: number): boolean {
    const hold = this.#holds.get(reference);
    if (hold) hold.settled = true;
    return hold !== undefined;
  }
}
