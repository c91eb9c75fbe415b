import { createHash } from 'node:crypto';

/** Maximum number of different predecessors to remember; beyond that the cache is cleared. */
const MAX_KNOWN = 256;

/** The object to mark: a frame, by the first and last four bytes of the hash. */
export interface Marked {
  parametersHigh: number;
  parametersLow: number;
}

/**
 * Marks the frames that a stage makes with the hash of its parameters. The first stage on a frame's path sets its own
 * hash; each further one sets the first eight bytes of SHA-256 over the previous eight bytes and its own eight.
 */
export class ParametersStamp {
  readonly #hash: Buffer;
  readonly #known = new Map<string, readonly [number, number]>();
  #fromHigh = 0;
  #fromLow = 0;
  #high: number;
  #low: number;

  /** `hash`: 16 hexadecimal digits, or empty for a stage without parameters. */
  constructor(hash: string) {
    this.#hash = Buffer.from(hash, 'hex');
    this.#high = hash ? this.#hash.readInt32BE(0) : 0;
    this.#low = hash ? this.#hash.readInt32BE(4) : 0;
  }

  /** The frame still has the mark of the frame that it was made from. */
  mark(frame: Marked): void {
    if (frame.parametersHigh !== this.#fromHigh || frame.parametersLow !== this.#fromLow)
      this.#combine(frame.parametersHigh, frame.parametersLow);
    frame.parametersHigh = this.#high;
    frame.parametersLow = this.#low;
  }

  #combine(high: number, low: number): void {
    const before = parametersText(high, low);
    let marks = this.#known.get(before);
    if (!marks) {
      const own = this.#hash;
      const hash = before === '' ? own : createHash('sha256').update(Buffer.from(before, 'hex')).update(own).digest();
      marks = [hash.readInt32BE(0), hash.readInt32BE(4)];
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(before, marks);
    }
    this.#fromHigh = high;
    this.#fromLow = low;
    [this.#high, this.#low] = marks;
  }
}

/** 16 hexadecimal digits; empty if no stage made the frame. */
export function parametersText(high: number, low: number): string {
  if (high === 0 && low === 0) return '';
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
}
