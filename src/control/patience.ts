/** Calls `over` once after waiting for `limitMs`. */
export class Patience {
  readonly #limitMs: number;
  readonly #over: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, over: () => void) {
    this.#limitMs = limitMs;
    this.#over = over;
  }

  /** Starts or restarts the wait. */
  begin(): void {
    this.end();
    this.#timer = setTimeout(this.#over, this.#limitMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
