import type { Logger } from '../errors/logger.js';

const LOOK_MS = 200;
/** When a wait is said first; each next time after twice as long, up to the last. */
const FIRST_MS = 2000;
const LONGEST_MS = 600_000;

export interface PeerWatchOptions {
  /** As a message names it: `sink 'out'`. */
  readonly node: string;
  readonly log: Logger;
  /** Addresses without a peer; undefined if unknown. */
  readonly waitsFor: () => readonly string[] | undefined;
  /** Adds to the time without a peer. */
  readonly outage?: ((ms: number) => void) | undefined;
  /** After two seconds: the addresses, and since when. At the end: none, and how long it took. */
  readonly waiting?: ((addresses: readonly string[], waitedMs: number) => void) | undefined;
}

/** Says after two seconds, and then at growing intervals, that a node waits for the other side, and counts the time. */
export class PeerWatch {
  readonly #options: PeerWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #since: number | undefined;
  #countedUntil = 0;
  #sayAfterMs = FIRST_MS;
  #isSaid = false;

  constructor(options: PeerWatchOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
    this.look();
  }

  /** Called by the timer. */
  look(now = performance.now()): void {
    const { node, log, waitsFor, waiting } = this.#options;
    const addresses = waitsFor() ?? [];
    if (addresses.length === 0) {
      this.#over(now);
      return;
    }
    if (this.#since === undefined) {
      this.#since = now;
      this.#countedUntil = now;
    }
    this.#count(now);
    const waitedMs = now - this.#since;
    if (waitedMs < this.#sayAfterMs) return;
    this.#sayAfterMs = Math.min(2 * this.#sayAfterMs, this.#sayAfterMs + LONGEST_MS);
    this.#isSaid = true;
    waiting?.(addresses, waitedMs);
    log.warn(
      { waitedMs: Math.round(waitedMs), addresses },
      `${node} has waited ${Math.round(waitedMs / 1000)} s for a peer at ${addresses.join(', ')}`,
    );
  }

  /** For good: the node is closing. */
  stop(): void {
    clearInterval(this.#timer);
    this.#over(performance.now(), true);
  }

  #over(now: number, isClosing = false): void {
    if (this.#since === undefined) return;
    this.#count(now);
    const waitedMs = now - this.#since;
    this.#since = undefined;
    this.#sayAfterMs = FIRST_MS;
    if (!this.#isSaid) return;
    this.#isSaid = false;
    this.#options.waiting?.([], waitedMs);
    if (!isClosing)
      this.#options.log.info({ waitedMs: Math.round(waitedMs) }, `${this.#options.node} has a peer after ${Math.round(waitedMs / 1000)} s`);
  }

  // Counted during the wait, so that a report made meanwhile includes it.
  #count(now: number): void {
    this.#options.outage?.(now - this.#countedUntil);
    this.#countedUntil = now;
  }
}
