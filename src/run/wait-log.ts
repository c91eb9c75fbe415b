interface Wait {
  readonly addresses: readonly string[];
  readonly sinceMs: number;
}

/** Which nodes wait for their peer, for which addresses, and the total waiting time of each. */
export class WaitLog {
  readonly #waiting = new Map<string, Wait>();
  readonly #totalMs = new Map<string, number>();

  /** `addresses`: none when the wait is over. */
  add(node: string, addresses: readonly string[], waitedMs: number, nowMs = performance.now()): void {
    if (addresses.length > 0) this.#waiting.set(node, { addresses, sinceMs: nowMs - waitedMs });
    else if (this.#waiting.delete(node)) this.#totalMs.set(node, (this.#totalMs.get(node) ?? 0) + waitedMs);
  }

  /** Its thread has ended. */
  forget(node: string): void {
    const wait = this.#waiting.get(node);
    if (wait) this.add(node, [], performance.now() - wait.sinceMs);
  }

  get waiting(): readonly { readonly node: string; readonly addresses: readonly string[] }[] {
    return [...this.#waiting].map(([node, { addresses }]) => ({ node, addresses }));
  }

  outageMs(node: string, nowMs = performance.now()): number {
    const wait = this.#waiting.get(node);
    return Math.round((this.#totalMs.get(node) ?? 0) + (wait ? nowMs - wait.sinceMs : 0));
  }
}
