import { MillraceError } from '../../errors/errors.js';

/** The time limit of a call, and the signal that can end it. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** A promise that waits in a list: settled once, by its owner, its time limit or its signal, whichever is first. */
export class PendingCall<T> {
  readonly promise: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;
  settled = false;

  /** @param gaveUp called when time or signal ended the call, so that the owner can take it off its list */
  constructor(timeoutMs: number, signal: AbortSignal | undefined, gaveUp: (call: PendingCall<T>) => void) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (timeoutMs >= 0) {
      this.#timer = setTimeout(() => {
        this.reject(new MillraceError('ERR_TIMEOUT', `not done within ${timeoutMs} ms`));
        gaveUp(this);
      }, timeoutMs);
    }
    if (signal !== undefined) {
      this.#signal = signal;
      this.#onAbort = () => {
        this.reject(signal.reason);
        gaveUp(this);
      };
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  resolve(value: T): void {
    if (this.#end()) this.#resolve(value);
  }

  reject(reason: unknown): void {
    if (this.#end()) this.#reject(reason);
  }

  #end(): boolean {
    if (this.settled) return false;
    this.settled = true;
    clearTimeout(this.#timer);
    if (this.#onAbort !== undefined) this.#signal!.removeEventListener('abort', this.#onAbort);
    return true;
  }
}
