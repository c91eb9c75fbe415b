// The worker of a rig: the operator agent until its edge is closed and empty, or the operator in a bare loop over the same slots.
import { parentPort } from 'node:worker_threads';
import { OperatorAgent } from '../../src/agents/stage/operator-agent.js';
import { Attachment } from '../../src/agents/thread/attachment.js';
import { SILENT } from '../../src/errors/logger.js';
import type { FrameView } from '../../src/frame/frame-view.js';
import type { Emitter, Operator } from '../../src/operators/operator.js';
import { burn } from './bench.js';
import { shapeOf } from './small-arena.js';
import type { StageOrder, StageTime } from './stage-rig.js';
import { threadCpuUs } from './thread-cpu.js';

async function runStage({ arena }: StageOrder): Promise<void> {
  const stage = arena.plan.stages[0]!;
  const attachment = new Attachment(arena.memory, arena.plan, stage.threads[0]!);
  await new OperatorAgent(attachment, stage, 0, SILENT, { making() {}, ready() {}, left() {} }).run();
}

async function bareLoop({ arena, operator, frames }: StageOrder): Promise<() => void> {
  const module = (await import(operator)) as { default: () => Operator };
  const made = module.default();
  const { plan, memory } = arena;
  const attachment = new Attachment(memory, plan, plan.stages[0]!.threads[0]!);
  const pool = plan.pools[0]!;
  const views: FrameView[] = Array.from({ length: pool.slots }, (_, slot) => attachment.frame(slot));
  for (const view of views) view.begin('uint8', shapeOf(pool.maxDataBytes));
  let emitted = 0;
  const out = { emit: () => void emitted++ } as unknown as Emitter;
  return () => {
    for (let i = 0; i < frames; i++) void made.process(views[i % views.length]!, out);
    if (emitted !== frames) throw new Error(`wrong result: ${emitted} of ${frames} frames`);
  };
}

async function obey(order: StageOrder): Promise<StageTime> {
  const bare = order.kind === 'bare' ? await bareLoop(order) : undefined;
  const startUs = threadCpuUs();
  const startMs = performance.now();
  if (bare) bare();
  else await runStage(order);
  if (order.slow) burn(performance.now() - startMs);
  return { seconds: (performance.now() - startMs) / 1e3, cpuUs: threadCpuUs() - startUs };
}

parentPort!.on('message', (order: StageOrder) => void obey(order).then((time) => parentPort!.postMessage(time)));
