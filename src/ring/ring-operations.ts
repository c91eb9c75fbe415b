import { readFileSync } from 'node:fs';
import type { WasmMemory } from '../frame/wasm-memory.js';
import { packageFile } from '../memory/package-file.js';

/** What `assembly/ring.ts` exports. Addresses are bytes in the arena; results: a reference or count, EMPTY, GATE_CLOSED. */
export interface RingOperations {
  attach(
    thread: number,
    line: number,
    gate: number,
    slots: number,
    stride: number,
    sources: number,
    banks: number,
    bankStride: number,
    poison: number,
  ): void;
  claim(pool: number): number;
  release(reference: number): number;
  take(ring: number, fromSource: number): number;
  takeN(ring: number, fromSource: number, atMost: number): number;
  fanClaimed(slot: number, branches: number): number;
  link(previous: number, slot: number): number;
  fanHeld(reference: number, branches: number): number;
  dropHeld(ring: number, reference: number, code: number): number;
  commit(inputs: number, outputs: number, settlements: number, frames: number, bytes: number): number;
  resume(from: number): number;
  commitFrame(source: number, leaves: number, outputs: number, bytes: number, count: number): number;
  refuse(code: number): number;
  sweep(source: number, atMost: number): number;
  recoverGive(ring: number, reference: number): number;
  recoverPush(ring: number, reference: number): void;
  recoverPop(ring: number): number;
  recoverSettle(source: number, ordinal: number, leaves: number, code: number): void;
  recoverSettleEach(source: number, ordinal: number, leaves: number, from: number): void;
  recoverFree(slot: number): void;
  wakeAll(bell: number): void;
  barePush(ring: number, reference: number): number;
  barePop(ring: number): number;
  claimN(pool: number, atMost: number): number;
  pushN(ring: number, count: number): number;
  releaseN(count: number): number;
}

const compiled = new Map<string, WebAssembly.Module>();

/** Makes an instance for the calling thread over the arena. A build with fault points calls `die`. */
export function loadRing(memory: WasmMemory, file = 'ring.wasm', die: (step: number) => void = () => {}): RingOperations {
  let module = compiled.get(file);
  if (!module) {
    module = new WebAssembly.Module(readFileSync(packageFile(`src/ring/${file}`)));
    compiled.set(file, module);
  }
  const instance = new WebAssembly.Instance(module, { env: { memory, die } });
  return instance.exports as unknown as RingOperations;
}
