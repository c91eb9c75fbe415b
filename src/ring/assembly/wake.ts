// Waking. A bell is a word with one bit for each thread that sleeps until something becomes possible, and the addresses
// of their park words. The thread that makes it possible wakes a sleeper, after the change is visible. How a thread
// sleeps: ../park.ts.
//
// sleepers: a thread sets its own bit and clears it; the thread that wakes it clears it too.
// park word: the thread that wakes adds 1; the sleeper reads it before it sets its bit, and waits for it to change.
import { BELL_PARK } from './layout';
import { step } from './thread';

/** Wakes one sleeper of a bell, if there is one. */
@inline
export function wake(bell: usize): void {
  const sleepers = atomic.load<u32>(bell);
  if (sleepers) wakeOneOf(bell, sleepers);
}

/** Wakes one of the sleepers that were seen. */
export function wakeOneOf(bell: usize, seen: u32): void {
  let sleepers = seen;
  do {
    const bit = lowestBit(sleepers);
    const before = atomic.and<u32>(bell, ~bit);
    step(30);
    // Only the thread that cleared the bit wakes the sleeper.
    if (before & bit) {
      const park = parkOf(bell, bit);
      atomic.add<u32>(park, 1);
      step(31);
      atomic.notify(park, 1);
      return;
    }
    // Another thread wakes this sleeper, or it woke by itself: try the next one.
    sleepers = before & ~bit;
  } while (sleepers);
}

/** Wakes all sleepers of a bell. */
export function wakeAll(bell: usize): void {
  let sleepers = atomic.load<u32>(bell);
  if (sleepers === 0) return;
  sleepers = atomic.xchg<u32>(bell, 0);
  step(32);
  while (sleepers) {
    const bit = lowestBit(sleepers);
    const park = parkOf(bell, bit);
    atomic.add<u32>(park, 1);
    atomic.notify(park, 1);
    sleepers &= ~bit;
  }
}

@inline
function lowestBit(mask: u32): u32 {
  return mask & (0 - mask);
}

/** Address of the park word of the sleeper that has a bit. */
@inline
function parkOf(bell: usize, bit: u32): usize {
  return <usize>load<u32>(bell + BELL_PARK + ((<usize>ctz(bit)) << 2));
}
