import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { WorkerChain } from '../../../src/agents/stage/worker-chain.js';
import { Attachment } from '../../../src/agents/thread/attachment.js';
import { SILENT } from '../../../src/errors/logger.js';
import { createArena } from '../../../src/memory/arena.js';
import { formatArena } from '../../../src/plan/format-arena.js';
import { plan as makePlan } from '../../../src/plan/plan.js';
import { Updater } from '../../../src/run/updater.js';
import { specFromObject } from '../../../src/spec/load.js';

/** One worker with a `threshold`, whose chain the test makes, and the updater of its parameters. */
async function bench(): Promise<{ chain: () => WorkerChain; update: (put: number) => Promise<number> }> {
  const spec = specFromObject({
    version: 1,
    sources: { s: { type: 'sim', pattern: 'noise', shape: [2, 4], dtype: 'uint16' } },
    stages: { work: { from: 's', operators: [{ type: 'threshold', above: 100, put: 0 }] } },
    sinks: { out: { type: 'null', from: 'work' } },
  });
  const { plan, stages } = await makePlan(spec);
  const memory = createArena(plan.bytes);
  formatArena(memory, plan);
  const updater = new Updater({ memory, plan, spec, stages, log: SILENT, isRunning: () => true });
  const stage = plan.stages[0]!;
  return {
    chain: () => new WorkerChain(new Attachment(memory, plan, stage.threads[0]!), stage, 0, SILENT),
    update: async (put) => (await updater.update('work', 0, { above: 100, put })).epoch,
  };
}

describe('a worker that takes the place of one that had left', () => {
  it('is waited for before the bank that it reads is written again', async () => {
    const { chain, update } = await bench();
    const first = chain();
    await first.renew();
    first.settle();
    first.leave();
    expect(await update(1)).toBe(1); // nobody is waited for
    const successor = chain();
    const starting = successor.renew(); // has read the epoch and its bank
    let adopted: number | undefined;
    const second = update(2).then((epoch) => {
      adopted = epoch;
    });
    await starting;
    await delay(100);
    // With the operator of the first update not yet at work, the second must neither be over, nor a third be written.
    expect(adopted).toBeUndefined();
    successor.settle();
    expect(successor.chain.epoch).toBe(1);
    while (!successor.stale) await delay(1);
    await successor.renew();
    successor.settle();
    await second;
    expect(adopted).toBe(2);
    expect(successor.chain.epoch).toBe(2);
  });
});
