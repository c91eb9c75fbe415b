/** How often a timer reads this clock. */
const TICK_MS = 100;
/** The longest gap between two ticks that counts in full. */
const MAX_GAP_MS = 500;

/**
 * Counts the time in which this process ran. A stopped process (SIGSTOP, a paused virtual machine, a suspended laptop) makes
 * no ticks, so a long gap between two ticks counts as MAX_GAP_MS only. Limits on workers and threads use this clock: they had
 * no chance to work in the gap either.
 */
export class AwakeClock {
  #lastMs = performance.now();
  #awakeMs = 0;

  /** Milliseconds awake since the clock was created. Call it at least every MAX_GAP_MS. */
  tick(): number {
    const nowMs = performance.now();
    this.#awakeMs += Math.min(nowMs - this.#lastMs, MAX_GAP_MS);
    this.#lastMs = nowMs;
    return this.#awakeMs;
  }
}

/** Calls back once the process has been awake for this long. The returned function cancels it. */
export function afterAwake(delayMs: number, callback: () => void): () => void {
  const clock = new AwakeClock();
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    timer = setTimeout(
      () => {
        const left = delayMs - clock.tick();
        if (left <= 0) callback();
        else wait(left);
      },
      Math.min(leftMs, TICK_MS),
    );
  };
  wait(delayMs);
  return () => clearTimeout(timer);
}
