import { describe, expect, it } from 'vitest';
import { memoryBudget } from '../../src/plan/memory-budget.js';
import { plan } from '../../src/plan/plan.js';
import { specFromObject } from '../../src/spec/load.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

const description = (more: { memory?: string; source?: object; a?: object; b?: object } = {}) => ({
  version: 1,
  ...(more.memory && { memory: more.memory }),
  sources: { s: { type: 'zmq', bind: 'tcp://127.0.0.1:*', ...more.source } },
  stages: {
    a: { from: 's', workers: 2, operators: [{ type: 'threshold', below: 1 }], ...more.a },
    b: { from: 'a', workers: 2, operators: [{ type: 'threshold', below: 1 }], ...more.b },
  },
  sinks: { k: { type: 'null', from: 'b' } },
});
const planned = (...args: Parameters<typeof description>) => plan(specFromObject(description(...args)));

describe('the budget', () => {
  it('is a quarter of the memory of the machine', () => {
    expect(memoryBudget(undefined, 8 * GIB, 0)).toEqual({ bytes: 2 * GIB, origin: 'machine' });
  });

  it('is a quarter of the memory of the container, where it has less than the machine', () => {
    expect(memoryBudget(undefined, 8 * GIB, 2 * GIB)).toEqual({ bytes: GIB / 2, origin: 'container' });
    expect(memoryBudget(undefined, 8 * GIB, 2 ** 53)).toEqual({ bytes: 2 * GIB, origin: 'machine' });
  });

  it('is at most what one shared memory can have', () => {
    expect(memoryBudget(undefined, 64 * GIB, 0)).toEqual({ bytes: 4 * GIB, origin: 'limit' });
    expect(memoryBudget(8 * GIB, 64 * GIB, 0)).toEqual({ bytes: 4 * GIB, origin: 'limit' });
  });

  it('is the value of memory where the file gives one', () => {
    expect(memoryBudget(GIB, 64 * GIB, 2 * GIB)).toEqual({ bytes: GIB, origin: 'file' });
  });
});

describe('sizes that the file does not give', () => {
  it.each(['3GiB', '1GiB', '300MiB', '100MiB', '16MiB'])('fit memory: %s', async (memory) => {
    const { plan: made, budget } = await planned({ memory });
    expect(made.bytes).toBeLessThanOrEqual(budget.bytes);
  });

  it('let the frames be as large as the memory allows', async () => {
    const sizes = await Promise.all(
      ['4GiB', '500MiB', '100MiB', '16MiB'].map(async (memory) => (await planned({ memory })).plan.sources[0]!.maxFrameBytes),
    );
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(sizes[0]).toBe(32 * MIB);
  });

  it('change no size that the file gives', async () => {
    const { plan: made } = await planned({
      memory: '200MiB',
      source: { maxFrame: '2MiB', slots: 5 },
      a: { capacity: 30 },
      b: { window: 16 },
    });
    expect(made.sources[0]!.maxFrameBytes).toBe(2 * MIB);
    expect(made.pools.find(({ owner }) => owner === 's')!.slots).toBe(5);
    expect(made.edges.find(({ node }) => node === 'a')!.limit).toBe(30);
    expect(made.edges.find(({ node }) => node === 'b')!.limit).toBe(16);
  });
});

describe('slots of a stage', () => {
  const slotBytes = async (operator: object, source: object): Promise<number> => {
    const { plan: made } = await planned({ source, b: { operators: [operator] } });
    return made.pools.find(({ owner }) => owner === 'b')!.maxDataBytes;
  };

  it('have no room for frames where the operators only pass them on', async () => {
    expect(await slotBytes({ type: 'veto', min: 1 }, { maxFrame: '8MiB' })).toBe(0);
  });

  it('have room for what the operators make, and not for their input', async () => {
    // Three statistics of one region in float64 at most: far from 8 MiB.
    expect(await slotBytes({ type: 'roi-stats', rois: { r: { y: [0, 2], x: [0, 2] } } }, { maxFrame: '8MiB' })).toBeLessThan(1024);
    // A block of 4 x 4 pixels becomes one; four bytes may come of one.
    expect(await slotBytes({ type: 'rebin', factor: 4 }, { maxFrame: '8MiB' })).toBeLessThanOrEqual(2 * MIB + 8);
  });
});

describe('where even the smallest sizes do not fit', () => {
  const given = { memory: '64MiB', source: { maxFrame: '16MiB', slots: 20 }, a: { capacity: 64 }, b: { slots: 40 } };

  it('the error names the memory that would do', async () => {
    const error: Error = await planned(given).then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ code: 'ERR_CONFIG_MEMORY' });
    const memory = /memory: (\w+)/.exec(error.message)![1]!;
    await expect(planned({ ...given, memory })).resolves.toBeDefined();
  });

  it('it names settings with values, and each of them helps', async () => {
    const error: Error = await planned(given).then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    const maxFrame = /sources\.s\.maxFrame: (\w+)/.exec(error.message)![1]!;
    await expect(planned({ ...given, source: { ...given.source, maxFrame } })).resolves.toBeDefined();
  });

  it('it names several settings together where none is enough', async () => {
    const two = {
      version: 1,
      memory: '64MiB',
      sources: {
        s: { type: 'zmq', bind: 'tcp://127.0.0.1:*', maxFrame: '64MiB' },
        t: { type: 'zmq', bind: 'tcp://127.0.0.1:*', maxFrame: '64MiB' },
      },
      sinks: { k: { type: 'null', from: ['s', 't'] } },
    };
    const error: Error = await plan(specFromObject(two)).then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    const [, s, t] = /sources\.s\.maxFrame: (\w+) and sources\.t\.maxFrame: (\w+)/.exec(error.message)!;
    const { sources } = two;
    const smaller = { ...two, sources: { s: { ...sources.s, maxFrame: s }, t: { ...sources.t, maxFrame: t } } };
    await expect(plan(specFromObject(smaller))).resolves.toBeDefined();
  });
});
