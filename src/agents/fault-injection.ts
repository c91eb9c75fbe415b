import type { WasmMemory } from '../frame/wasm-memory.js';
import type { Plan } from '../pipeline/plan-types.js';
import { LINE } from '../ring/ring-layout.js';
import { Attachment } from './attachment.js';

/**
 * For tests of the recovery: workers run a build of the ring operations that ends their thread at a numbered step. Each
 * worker that starts is armed with one step, drawn by the seed, until so many have been.
 */
export interface FaultInjection {
  /** The build, beside `ring.wasm`. */
  readonly file: string;
  /** Word 0: workers armed so far; word `step`: threads that ended there. */
  readonly hits: SharedArrayBuffer;
  readonly seed: number;
  readonly workers: number;
  readonly steps: readonly number[];
  /** The step is passed up to so many times before. */
  readonly within: number;
}

export function faultyAttachment(memory: WasmMemory, plan: Plan, thread: number, fault: FaultInjection): Attachment {
  const hits = new Int32Array(fault.hits);
  const attachment = new Attachment(memory, plan, thread, fault.file, (step) => {
    Atomics.add(hits, step, 1);
    process.exit(1);
  });
  const armed = Atomics.add(hits, 0, 1);
  const draw = (n: number, salt: number): number => (Math.imul(fault.seed + armed * 2 + salt, 0x9e3779b1) >>> 8) % n;
  attachment.setWord(attachment.line + LINE.faultStep, fault.steps[armed % fault.steps.length]!);
  attachment.setWord(attachment.line + LINE.faultCountdown, armed < fault.workers ? 1 + draw(fault.within, 1) : 0);
  return attachment;
}
