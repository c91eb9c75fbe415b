/** Pauses between attempts: doubling up to a limit, each cut by up to half at random, so that many clients do not come at once. */
export class ReconnectDelay {
  #attempts = 0;

  constructor(
    private readonly firstMs: number,
    private readonly limitMs: number,
    private readonly random: () => number = Math.random,
  ) {}

  next(): number {
    const fullMs = Math.min(Math.max(this.firstMs, this.limitMs), this.firstMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return fullMs * (1 - this.random() / 2);
  }

  /** A handshake succeeded. */
  reset(): void {
    this.#attempts = 0;
  }
}
