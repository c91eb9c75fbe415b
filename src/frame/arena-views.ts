import type { WasmMemory } from './wasm-memory.js';

/** The shared memory of a pipeline by its three views. */
export interface ArenaViews {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly bytes: Uint8Array;
}

export function viewArena(memory: WasmMemory): ArenaViews {
  const buffer = memory.buffer as unknown as SharedArrayBuffer;
  return { buffer, words: new Int32Array(buffer), floats: new Float64Array(buffer), bytes: new Uint8Array(buffer) };
}
