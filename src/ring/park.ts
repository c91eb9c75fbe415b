import { BELL, CONTROL, PHASE } from './ring-layout.js';

/**
 * Sleeping and waking: the only file that waits on shared memory.
 *
 * A sleeper reads its own park word, THEN sets its bit in the bell's sleepers, looks once more, and waits for the park word
 * to change; whoever rings clears a bit and, if it was the one that cleared it, adds to that sleeper's park word and notifies.
 * The first two steps in the other order lose wake-ups. Sleepers also look again every WAIT_MS, so that the phase word and a
 * closed gate are seen.
 *
 * park word: added to by those who ring and by the supervisor. sleepers: bits set and cleared by sleepers, cleared by ringers.
 */
const WAIT_MS = 10;

/** Tries, and sleeps between tries, until `attempt` yields something else than `nothing` or the phase is no longer run. */
export function waitSync(
  words: Int32Array,
  bell: number,
  bit: number,
  park: number,
  attempt: () => number,
  isNothing: (result: number) => boolean,
  deadlineMs: number,
): number {
  const until = performance.now() + deadlineMs;
  for (;;) {
    const seen = Atomics.load(words, park >> 2);
    Atomics.or(words, (bell + BELL.sleepers) >> 2, bit);
    const result = attempt();
    const nothing = isNothing(result);
    if (nothing) Atomics.wait(words, park >> 2, seen, WAIT_MS);
    const others = Atomics.and(words, (bell + BELL.sleepers) >> 2, ~bit);
    if (!nothing && (others & bit) === 0) ringOn(words, bell);
    if (!nothing || Atomics.load(words, CONTROL.phase >> 2) === PHASE.abort || performance.now() >= until) return result;
  }
}

/** The same once, for a thread whose event loop must live: sleeps until rung, or WAIT_MS. The thread must hold a ref'd handle. */
export async function sleepAsync(words: Int32Array, bell: number, bit: number, park: number, stillNothing: () => boolean): Promise<void> {
  const seen = Atomics.load(words, park >> 2);
  Atomics.or(words, (bell + BELL.sleepers) >> 2, bit);
  const nothing = stillNothing();
  if (nothing) {
    const waiting = Atomics.waitAsync(words, park >> 2, seen, WAIT_MS);
    if (waiting.async) await waiting.value;
  }
  const others = Atomics.and(words, (bell + BELL.sleepers) >> 2, ~bit);
  if (!nothing && (others & bit) === 0) ringOn(words, bell);
}

/** Who was rung for and had found something by itself wakes another in its place. */
function ringOn(words: Int32Array, bell: number): void {
  for (let mask = Atomics.load(words, (bell + BELL.sleepers) >> 2); mask !== 0; mask &= mask - 1) {
    const member = 31 - Math.clz32(mask & -mask);
    const bit = 1 << member;
    if ((Atomics.and(words, (bell + BELL.sleepers) >> 2, ~bit) & bit) === 0) continue;
    const park = words[(bell + BELL.park + 4 * member) >> 2]!;
    Atomics.add(words, park >> 2, 1);
    Atomics.notify(words, park >> 2, 1);
    return;
  }
}

/** Waits while the gate is closed; for synchronous threads. */
export function waitForGate(words: Int32Array): void {
  Atomics.wait(words, CONTROL.gate >> 2, 1, WAIT_MS);
}

/** Rings every park word of the list, whether it sleeps or not: after a change of the phase, or of what is closed. */
export function wakeThreads(words: Int32Array, parks: readonly number[]): void {
  for (const park of parks) {
    Atomics.add(words, park >> 2, 1);
    Atomics.notify(words, park >> 2);
  }
}
