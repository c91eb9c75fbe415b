import { expect, it } from 'vitest';
import { plan } from '../../src/plan/plan.js';
import { specFromObject } from '../../src/spec/load.js';

const MIB = 2 ** 20;
const ARENA_BYTES = 4 * 2 ** 30;

const planned = async (source: object, stages: number, workers = 1) => {
  const operators = [{ type: 'threshold', below: 1 }];
  const spec = specFromObject({
    version: 1,
    sources: { s: { type: 'zmq', bind: 'tcp://127.0.0.1:*', ...source } },
    stages: Object.fromEntries(
      Array.from({ length: stages }, (_, n) => [`a${n}`, { from: n === 0 ? 's' : `a${n - 1}`, workers, operators }]),
    ),
    sinks: { k: { type: 'null', from: stages === 0 ? 's' : `a${stages - 1}` } },
  });
  const { bytes, sources } = (await plan(spec)).plan;
  return { bytes, maxFrameBytes: sources[0]!.maxFrameBytes };
};

it('a source that does not know its frames takes 32 MiB where slots of that size fit', async () => {
  expect((await planned({}, 0)).maxFrameBytes).toBe(32 * MIB);
});

it('where they do not fit, it takes the largest size that does', async () => {
  let before = 32 * MIB;
  for (const [stages, workers] of [
    [2, 1],
    [3, 4],
    [6, 4],
  ] as const) {
    const { bytes, maxFrameBytes } = await planned({}, stages, workers);
    expect(bytes).toBeLessThanOrEqual(ARENA_BYTES);
    expect(maxFrameBytes).toBeLessThanOrEqual(before);
    expect(maxFrameBytes).toBeGreaterThanOrEqual(MIB);
    before = maxFrameBytes;
  }
});

it('a size that the file gives is kept, and refused where it does not fit', async () => {
  expect((await planned({ maxFrame: '4MiB' }, 3, 4)).maxFrameBytes).toBe(4 * MIB);
  await expect(planned({ maxFrame: '256MiB' }, 3, 4)).rejects.toMatchObject({ code: 'ERR_CONFIG_MEMORY' });
});
