import type { WasmMemory } from '../../frame/wasm-memory.js';
import type { FaultInjection } from '../../plan/fault-injection.js';
import type { Plan } from '../../plan/plan-types.js';
import { LINE } from '../../ring/ring-layout.js';
import { Attachment } from './attachment.js';

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
