/** Calls `over` when it was left waiting for `limitMs`, once. */
export class Patience {
  readonly #limitMs: number;
  readonly #over: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, over: () => void) {
    this.#limitMs = limitMs;
    this.#over = over;
  }

  /** The wait begins, or begins anew. */
  begin(): void {
    this.end();
    this.#timer = setTimeout(this.#over, this.#limitMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
