import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EgressContext } from '../../src/egress/egress.js';
import { Outage } from '../../src/egress/outage.js';

/** Time that passes only while somebody waits for it. */
const clock = vi.hoisted(() => ({ nowMs: 1000 }));
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: number) => {
    clock.nowMs += ms;
  },
}));
beforeEach(() => void vi.spyOn(performance, 'now').mockImplementation(() => clock.nowMs));
afterEach(() => void vi.restoreAllMocks());

interface Seen {
  readonly outage: Outage;
  readonly waits: (readonly [readonly string[], number])[];
  readonly warnings: { waitedMs: number; suppressed: number }[];
  counted(): number;
}

function observed(signal = new AbortController().signal): Seen {
  const waits: (readonly [readonly string[], number])[] = [];
  const warnings: { waitedMs: number; suppressed: number }[] = [];
  let outageMs = 0;
  const log = { debug() {}, info() {}, error() {}, warn: (fields: object) => warnings.push(fields as never) };
  const waiting = (addresses: readonly string[], ms: number): void => void waits.push([addresses, Math.round(ms)]);
  const count = (ms: number): void => {
    outageMs += ms;
  };
  const context = { name: 'out', log, signal, waiting, outage: count };
  return { outage: new Outage(context as unknown as EgressContext, ['db:6379']), waits, warnings, counted: () => Math.round(outageMs) };
}

/** Attempts fail, each at once, for so long. */
async function failFor(outage: Outage, ms: number, thrown: unknown): Promise<void> {
  for (const end = clock.nowMs + ms; clock.nowMs < end; ) await outage.failed(clock.nowMs, thrown);
}

describe('an outage of a sink', () => {
  it('is told at once, after two seconds and then at growing intervals, and all of it counts', async () => {
    const { outage, waits, warnings, counted } = observed();
    await failFor(outage, 40_000, new Error('ECONNREFUSED'));
    const times = warnings.map(({ waitedMs }) => waitedMs);
    expect(times[0]).toBe(0);
    // An attempt a second: the first one behind 2, 4, 8, 16 and 32 s.
    expect(times.slice(1).map((ms) => Math.floor(ms / 1000))).toEqual(
      [2, 4, 8, 16, 32].map((s) => expect.toSatisfy((n) => n === s || n === s + 1)),
    );
    expect(waits.map(([addresses]) => addresses)).toEqual(Array(5).fill(['db:6379']));
    expect(warnings.reduce((sum, { suppressed }) => sum + suppressed, 0)).toBeGreaterThan(20);
    expect(counted()).toBeGreaterThanOrEqual(40_000);
    outage.over();
    expect(waits.at(-1)![0]).toEqual([]);
    expect(waits.at(-1)![1]).toBe(counted());
  });

  it('of another reason is told at once', async () => {
    const { outage, warnings } = observed();
    await failFor(outage, 500, new Error('ECONNREFUSED'));
    await failFor(outage, 500, Object.assign(new Error('OOM command not allowed'), { isAnswer: true }));
    expect(warnings).toHaveLength(2);
  });

  it('that the signal ends is no wait any more', async () => {
    const abort = new AbortController();
    const { outage, waits } = observed(abort.signal);
    await failFor(outage, 3000, new Error('ECONNREFUSED'));
    abort.abort();
    await expect(outage.failed(performance.now(), new Error('ECONNREFUSED'))).rejects.toMatchObject({ code: 'ERR_SINK' });
    expect(waits.at(-1)![0]).toEqual([]);
  });
});
