import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../errors/errors.js';
import { RateLimiter } from '../../errors/logger.js';
import type { EgressContext } from '../egress.js';

/** Errors that end when resources become available, with a description. */
const PASSING: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota of the user is exhausted',
  EMFILE: 'the process has too many files open',
  ENFILE: 'the system has too many files open',
  EAGAIN: 'the system has no resources for it at present',
  EBUSY: 'the file is in use',
};
const RETRY_MS = 500;
const LOG_INTERVAL_MS = 5000;

/**
 * Retries operations that fail because of a full disk, and counts the time as an outage of the sink. Time in which
 * several files wait is counted once.
 */
export class FullDisk {
  readonly #context: EgressContext;
  readonly #limiter = new RateLimiter(LOG_INTERVAL_MS);
  #countedUntil = 0;
  #waiting = 0;

  constructor(context: EgressContext) {
    this.#context = context;
  }

  async keepTrying<T>(file: string, attempt: () => Promise<T>): Promise<T> {
    let isWaiting = false;
    try {
      for (;;) {
        try {
          return await attempt();
        } catch (error) {
          const { code = '' } = error as { code?: string };
          const words = Object.hasOwn(PASSING, code) ? `${PASSING[code]} (${code})` : undefined;
          if (words === undefined) throw error;
          const { name, signal, log } = this.#context;
          const message = `sink '${name}' cannot write ${file}: ${words}`;
          if (signal.aborted) throw new MillraceError('ERR_SINK', message, { cause: error });
          if (!isWaiting) this.#waiting++;
          isWaiting = true;
          const suppressed = this.#limiter.admit(code);
          if (suppressed >= 0) log.warn({ sink: name, file, code, suppressed }, `${message}; retrying every ${RETRY_MS} ms`);
          await this.#pause(signal);
        }
      }
    } finally {
      if (isWaiting && --this.#waiting === 0 && !this.#context.signal.aborted)
        this.#context.log.info({ sink: this.#context.name }, `sink '${this.#context.name}' can write again`);
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const startMs = performance.now();
    await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
    const nowMs = performance.now();
    const fromMs = Math.max(startMs, this.#countedUntil);
    this.#countedUntil = nowMs;
    if (nowMs > fromMs) this.#context.outage(nowMs - fromMs);
  }
}
