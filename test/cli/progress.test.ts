import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { progressLine, showProgress } from '../../src/cli/progress.js';
import type { Progress } from '../../src/observe/report.js';

const at = (received: number): Progress => ({
  received,
  delivered: received - 1,
  dropped: 0,
  dead: 0,
  inFlight: 1,
  bytes: received * 1_000_000,
  queueDepth: 3,
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function show(isTty: boolean, elapsedMs: number): { raw: string[]; err: string[] } {
  const raw: string[] = [];
  const err: string[] = [];
  let received = 1;
  const output = { out: () => {}, err: (line: string) => err.push(line), raw: (text: string) => raw.push(text), isTty, columns: 40 };
  const hide = showProgress(() => {
    received += 100;
    return at(received);
  }, output);
  vi.advanceTimersByTime(elapsedMs);
  hide();
  vi.advanceTimersByTime(60_000);
  return { raw, err };
}

it('gives rates of the interval and counters of the run', () => {
  expect(progressLine(at(3001), at(1001), 500)).toBe(
    '4,000 frames/s | 4.000 GB/s | 3,001 received | 3,000 delivered | 0 dropped | queue 3 | in flight 1',
  );
});

it('writes over one line on a terminal, never wider than it, and wipes it at the end', () => {
  const { raw, err } = show(true, 1000);
  expect(err).toEqual([]);
  expect(raw).toHaveLength(5);
  for (const text of raw) expect(text.replace('\r\u001b[K', '').length).toBeLessThan(40);
  expect(raw.at(-1)).toBe('\r\u001b[K');
});

it('writes a plain line every few seconds into a pipe, and none after the end', () => {
  const { raw, err } = show(false, 11_000);
  expect(raw).toEqual([]);
  expect(err).toHaveLength(2);
});
