import { type Logger, RateLimiter } from '../errors/logger.js';
import type { Frame } from '../frame/frame.js';
import type { Cause } from './cause.js';
import { countLetters, removeParts } from './letter-directory.js';
import { writeLetter } from './letter-file.js';

/** The folder of the letters, and the words by which the threads of a pipeline share the count. Plain data. */
export interface LetterPlan {
  readonly directory: string;
  readonly maxFiles: number;
  readonly pipeline: string;
  readonly pipelineHash: string;
  /** Distinguishes the temporary files of this run from those of others in the same folder. */
  readonly run: string;
  /** Address of the number of letters in the directory: incremented atomically before a letter is written. */
  readonly files: number;
  /** LETTER_STATS of each thread in order; the last are the supervisor's. */
  readonly stats: number;
}

/** Words of one thread, which alone writes them. `bytes`: one cache line of its own. */
export const LETTER_STATS = { written: 0, failed: 4, omitted: 8, words: 3, bytes: 64 } as const;

/** How often to check a full directory again: its user may have removed letters. */
const RECOUNT_MS = 1000;

export interface Death {
  /** The stage or sink that gives the frames up. */
  readonly node: string;
  /** The reason in the ledger. */
  readonly outcome: string;
  readonly attempts: number;
  readonly cause: Cause;
}

/** Writes the dead letters of a thread. A failed write is counted and logged but does not throw: the run continues. */
export class LetterBox {
  readonly #plan: LetterPlan;
  readonly #words: Int32Array;
  /** The beginning of the names of its temporary files, after those of the letters. */
  readonly #writer: string;
  readonly #thread: number;
  readonly #log: Logger;
  readonly #limiter = new RateLimiter();
  #number = 0;
  #recountAt = 0;

  constructor(plan: LetterPlan, words: Int32Array, thread: number, log: Logger) {
    this.#plan = plan;
    this.#words = words;
    this.#writer = `${process.pid}.${plan.run}.${thread}.`;
    this.#thread = thread;
    this.#log = log;
    try {
      // Left by a worker with this number that was terminated while writing.
      const parts = removeParts(plan.directory, this.#writer);
      if (parts > 0) Atomics.sub(words, plan.files >>> 2, parts);
    } catch {
      // A read error now will be reported at the next write.
    }
  }

  /**
   * Writes a letter for each frame of one reference, with `index` as its counter; the letters are durable on return.
   * `frames` may be a function that reads them and may fail.
   */
  write(frames: readonly Frame[] | (() => readonly Frame[]), death: Death, firstIndex = 0): void {
    let read: readonly Frame[];
    try {
      read = typeof frames === 'function' ? frames() : frames;
    } catch (error) {
      this.#failed(error, death);
      return;
    }
    for (const [i, frame] of read.entries()) this.#writeOne(frame, firstIndex + i, death);
  }

  #writeOne(frame: Frame, index: number, death: Death): void {
    const { directory, maxFiles, pipeline, pipelineHash } = this.#plan;
    const { node, outcome, attempts } = death;
    if (!this.#claim()) {
      this.#count(LETTER_STATS.omitted);
      const suppressed = this.#limiter.admit('omitted');
      if (suppressed >= 0)
        this.#log.warn({ node, directory, suppressed }, `dead letters are not written: ${directory} already has ${maxFiles}`);
      return;
    }
    try {
      const { source, ordinal, sequence, timestamp, dtype, shape, meta, bytes } = frame;
      const time = new Date().toISOString();
      const described = { source, ordinal, index, sequence, timestamp, dtype, shape, meta, node, outcome, attempts, time };
      const { code, message, stack } = death.cause;
      const letter = { ...described, pipeline, pipelineHash, code, message, stack, data: bytes };
      writeLetter(directory, letter, `${this.#writer}${this.#number++}`);
      this.#count(LETTER_STATS.written);
    } catch (error) {
      Atomics.sub(this.#words, this.#plan.files >>> 2, 1);
      this.#failed(error, death);
    }
  }

  #failed(error: unknown, { node, outcome }: Death): void {
    this.#count(LETTER_STATS.failed);
    const suppressed = this.#limiter.admit('failed');
    if (suppressed < 0) return;
    const text = error instanceof Error ? error.message : String(error);
    this.#log.error({ node, outcome, directory: this.#plan.directory, suppressed }, `cannot write a dead letter: ${text}`);
  }

  /** Whether there is room for one more letter; if so, reserves it. */
  #claim(): boolean {
    const { files, maxFiles, directory } = this.#plan;
    const word = files >>> 2;
    if (Atomics.add(this.#words, word, 1) < maxFiles) return true;
    Atomics.sub(this.#words, word, 1);
    const now = performance.now();
    if (now < this.#recountAt) return false;
    this.#recountAt = now + RECOUNT_MS;
    try {
      const seen = Atomics.load(this.#words, word);
      const there = countLetters(directory);
      // Fails when another thread counts at this moment: the next letter will see the result.
      return there < maxFiles && Atomics.compareExchange(this.#words, word, seen, there + 1) === seen;
    } catch {
      return false;
    }
  }

  #count(word: number): void {
    const at = (this.#plan.stats + this.#thread * LETTER_STATS.bytes + word) >>> 2;
    this.#words[at] = this.#words[at]! + 1;
  }
}
