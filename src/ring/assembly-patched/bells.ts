// Bells: who waits for something sleeps on one, and whoever makes it possible rings it. How to sleep: ../park.ts.
import { BELL_PARK } from './layout';
import { pt } from './thread';

@inline export function ring(bell: usize): void { const mask = atomic.load<u32>(bell); if (mask) wakeOne(bell, mask); }
export function wakeOne(bell: usize, seen: u32): void {
  let mask = seen;
  do {
    const bit = mask & (0 - mask), old = atomic.and<u32>(bell, ~bit); pt(30);
    if (old & bit) { const park = <usize>load<u32>(bell + BELL_PARK + (<usize>ctz(bit) << 2)); atomic.add<u32>(park, 1); pt(31); atomic.notify(park, 1); return; }
    mask = old & ~bit;
  } while (mask);
}
export function ringAll(bell: usize): void {
  let mask = atomic.load<u32>(bell);
  if (mask == 0) return;
  mask = atomic.xchg<u32>(bell, 0); pt(32);
  while (mask) { const bit = mask & (0 - mask), park = <usize>load<u32>(bell + BELL_PARK + (<usize>ctz(bit) << 2)); atomic.add<u32>(park, 1); atomic.notify(park, 1); mask &= ~bit; }
}
