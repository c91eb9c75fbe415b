// Both ends of a rig: commits slots as an ingress does, without filling them, and settles what the stage hands on as a sink does.
import { parentPort } from 'node:worker_threads';
import { IngressAgent } from '../../src/agents/ingress/ingress-agent.js';
import { Attachment } from '../../src/agents/thread/attachment.js';
import { SILENT } from '../../src/errors/logger.js';
import { SLOT } from '../../src/frame/slot-layout.js';
import { OUTCOME } from '../../src/observe/outcome.js';
import { wakeThreads } from '../../src/ring/park.js';
import { LINE, RING, SETTLE, SLOT_MASK } from '../../src/ring/ring-layout.js';
import { attachRing, shapeOf } from './small-arena.js';
import type { StageOrder } from './stage-rig.js';

const BATCH = 64;

async function feed({ arena, frames }: StageOrder): Promise<void> {
  const { memory, plan } = arena;
  const source = plan.sources[0]!;
  const sink = plan.sinks[0]!;
  const ingress = new IngressAgent(new Attachment(memory, plan, source.thread), source, SILENT, new AbortController().signal);
  const ring = attachRing(arena, sink.thread);
  const words = new Int32Array(memory.buffer);
  const into = plan.edges.find((edge) => edge.node === 'stage')!;
  const outOf = plan.edges.find((edge) => edge.node === 'out')!;
  const line = plan.threads[sink.thread]!.line >>> 2;
  const header = { dtype: 'uint8', shape: shapeOf(source.maxFrameBytes), sequence: 0 } as const;
  let given = 0;
  let next = 0;
  const settle = (): void => {
    const count = ring.takeN(outOf.ring, 0, BATCH);
    for (let k = 0; k < count; k++) {
      const reference = words[line + LINE.batch / 4 + k]!;
      const ordinal = words[(plan.headers + (reference & SLOT_MASK) * plan.stride + SLOT.ordinal) >>> 2]!;
      if (ordinal !== next++) throw new Error(`wrong result: frame ${ordinal} in place of ${next - 1}`);
      const item = line + (LINE.settleItems + SETTLE.bytes * k) / 4;
      words[item + SETTLE.source / 4] = 0;
      words[item + SETTLE.ordinal / 4] = ordinal;
      words[item + SETTLE.leaves / 4] = source.leaves;
      words[item + SETTLE.code / 4] = OUTCOME.delivered;
      words[line + LINE.inputReferences / 4 + k] = reference;
    }
    if (count > 0) ring.commit(count, 0, count, count, 0);
  };
  while (next < frames) {
    const slot = given < frames ? ingress.claim({ ...header, sequence: given }) : undefined;
    if (slot) {
      given++;
      const full = slot.commit();
      if (full) throw new Error('the edge has fewer places than the pool has slots');
      if (given % BATCH === 0) settle();
    } else settle();
    if (given === frames && Atomics.load(words, (into.ring + RING.closed) >>> 2) === 0) {
      Atomics.store(words, (into.ring + RING.closed) >>> 2, 1);
      wakeThreads(words, [plan.threads[plan.stages[0]!.threads[0]!]!.line + LINE.park]);
    }
  }
  await ingress.settled();
  ingress.close();
}

parentPort!.on('message', (order: StageOrder) => void feed(order).then(() => parentPort!.postMessage('fed')));
