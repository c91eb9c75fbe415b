import { BELL, CONTROL, PHASE } from './ring-layout.js';

/**
 * Sleeping: the only file that waits on shared memory. `assembly/wake.ts` has the waking.
 *
 * A sleeper reads its own park word, THEN sets its bit in the sleepers of the bell, looks once more, and waits for the park word
 * to change. The thread that wakes clears a bit; if it was the one that cleared it, it adds to the park word of that sleeper and
 * notifies. The first two steps in the other order lose wake-ups. A sleeper also looks again every WAIT_MS, so that it sees the
 * phase word and a closed gate.
 *
 * park word: threads that wake, and the supervisor, add to it. sleepers: a sleeper sets and clears its own bit; the thread that
 * wakes it clears that bit.
 */
const WAIT_MS = 10;

/** Tries, and sleeps between tries, until `attempt` finds something, the phase is no longer `run`, or `deadlineMs` have passed. */
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
    if (!nothing && (others & bit) === 0) wakeAnother(words, bell);
    if (!nothing || Atomics.load(words, CONTROL.phase >> 2) === PHASE.abort || performance.now() >= until) return result;
  }
}

/** Sleeps once, at most WAIT_MS, without blocking the event loop. The thread must hold a ref'd handle. */
export async function sleepAsync(words: Int32Array, bell: number, bit: number, park: number, stillNothing: () => boolean): Promise<void> {
  const seen = Atomics.load(words, park >> 2);
  Atomics.or(words, (bell + BELL.sleepers) >> 2, bit);
  const nothing = stillNothing();
  if (nothing) {
    const waiting = Atomics.waitAsync(words, park >> 2, seen, WAIT_MS);
    if (waiting.async) await waiting.value;
  }
  const others = Atomics.and(words, (bell + BELL.sleepers) >> 2, ~bit);
  if (!nothing && (others & bit) === 0) wakeAnother(words, bell);
}

/** For a thread that was woken and had found something by itself: another sleeper may find something too. */
function wakeAnother(words: Int32Array, bell: number): void {
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

/** Waits while the gate is closed, at most WAIT_MS. It blocks the thread. */
export function waitForGate(words: Int32Array): void {
  Atomics.wait(words, CONTROL.gate >> 2, 1, WAIT_MS);
}

/** Wakes threads by their park words, after the phase or what is closed has changed. They need not sleep. */
export function wakeThreads(words: Int32Array, parks: readonly number[]): void {
  for (const park of parks) {
    Atomics.add(words, park >> 2, 1);
    Atomics.notify(words, park >> 2);
  }
}
