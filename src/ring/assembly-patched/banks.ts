// Two banks of counters a record: a commit writes the idle one, and the store of the record word makes it the live one.
import { BANKS, BANK_STRIDE } from './thread';

@inline export function bankOf(word: u32): usize { return BANKS + <usize>((word >> 1) & 1) * BANK_STRIDE; }
// 160 bytes; memory.copy would leave the module for a function of the engine each time.
@inline export function copyBank(to: usize, from: usize): void {
  v128.store(to, v128.load(from)); v128.store(to, v128.load(from, 16), 16); v128.store(to, v128.load(from, 32), 32); v128.store(to, v128.load(from, 48), 48); v128.store(to, v128.load(from, 64), 64);
  v128.store(to, v128.load(from, 80), 80); v128.store(to, v128.load(from, 96), 96); v128.store(to, v128.load(from, 112), 112); v128.store(to, v128.load(from, 128), 128); v128.store(to, v128.load(from, 144), 144);
}
