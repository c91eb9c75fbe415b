// The counters of a thread, in two banks. A commit writes the idle bank; the store of the record word, whose sequence
// names the live bank by its parity, makes it the live one. A record word is 2 * sequence + 1 while its commit is being
// carried out, and 2 * sequence after it.
import { counterBankStride, counterBanks } from './thread';

/** The record word of the next commit, before `COMMITTED` is added. */
@inline
export function nextRecord(record: u32): u32 {
  return record + 2;
}

/** Bit of a record word: the commit is being carried out. */
export const COMMITTED: u32 = 1;

/** Address of the bank that a record word makes the live one. */
@inline
export function bankOf(record: u32): usize {
  return counterBanks + <usize>((record >> 1) & 1) * counterBankStride;
}

/** Copies the 160 bytes of a ledger. `memory.copy` would call a function of the engine each time. */
@inline
export function copyBank(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
  v128.store(to, v128.load(from, 32), 32);
  v128.store(to, v128.load(from, 48), 48);
  v128.store(to, v128.load(from, 64), 64);
  v128.store(to, v128.load(from, 80), 80);
  v128.store(to, v128.load(from, 96), 96);
  v128.store(to, v128.load(from, 112), 112);
  v128.store(to, v128.load(from, 128), 128);
  v128.store(to, v128.load(from, 144), 144);
}

/** Adds to a counter. */
@inline
export function addTo(counter: usize, amount: u32): void {
  store<u32>(counter, load<u32>(counter) + amount);
}
