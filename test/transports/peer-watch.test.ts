import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { PeerWatch } from '../../src/transports/peer-watch.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

it('says after two seconds, then at growing intervals, which node waits for which address, and counts the time', () => {
  const lines: string[] = [];
  const log = (level: string) => (_: object, message: string) => void lines.push(`${level}: ${message}`);
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  let missing: readonly string[] = ['tcp://127.0.0.1:9'];
  let outageMs = 0;
  const waits: [number, number][] = [];
  const watch = new PeerWatch({
    node: "sink 'out'",
    log: logger,
    waitsFor: () => missing,
    outage: (ms) => {
      outageMs += ms;
    },
    waiting: (addresses, waitedMs) => waits.push([addresses.length, Math.round(waitedMs)]),
  });
  vi.advanceTimersByTime(1900);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(14_900);
  expect(lines).toEqual([2, 4, 8, 16].map((s) => `warn: sink 'out' has waited ${s} s for a peer at tcp://127.0.0.1:9`));
  missing = [];
  vi.advanceTimersByTime(200);
  expect(lines.at(-1)).toBe("info: sink 'out' has a peer after 17 s");
  expect(outageMs).toBe(17_000);
  expect(waits).toEqual([...[2000, 4000, 8000, 16_000].map((ms) => [1, ms]), [0, 17_000]]);
  // A wait shorter than two seconds is not said.
  missing = ['x'];
  vi.advanceTimersByTime(1000);
  watch.stop();
  vi.advanceTimersByTime(10_000);
  expect(lines).toHaveLength(5);
});
