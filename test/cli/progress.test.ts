import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { progressLine, showProgress } from '../../src/cli/progress.js';
import { formatFrameRate, formatRate } from '../../src/cli/quantities.js';
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

function show(isTty: boolean, elapsedMs: number, seconds?: number | 'off'): { raw: string[]; err: string[] } {
  const raw: string[] = [];
  const err: string[] = [];
  let received = 1;
  const output = { out: () => {}, err: (line: string) => err.push(line), raw: (text: string) => raw.push(text), isTty, columns: 40 };
  const hide = showProgress(
    () => {
      received += 100;
      return at(received);
    },
    output,
    { seconds },
  );
  vi.advanceTimersByTime(elapsedMs);
  hide();
  vi.advanceTimersByTime(120_000);
  return { raw, err };
}

it('gives rates of the interval and counters of the run', () => {
  expect(progressLine(at(3001), at(1001), 500)).toBe(
    '4,000 frames/s | 4.00 GB/s | 3,001 received | 3,000 delivered | 0 dropped | queue 3 | in flight 1',
  );
});

it('writes over one line on a terminal, never wider than it, and wipes it at the end', () => {
  const { raw, err } = show(true, 1000);
  expect(err).toEqual([]);
  expect(raw).toHaveLength(5);
  for (const text of raw) expect(text.replace('\r\u001b[K', '').length).toBeLessThan(40);
  expect(raw.at(-1)).toBe('\r\u001b[K');
});

it('leaves out whole parts where the terminal is narrow, the least important first', () => {
  const now = { ...at(26), dead: 2 };
  const line = (columns: number): string => progressLine(now, at(1), 1000, columns);
  expect(line(29)).toBe('25 frames/s | 26 received');
  expect(line(36)).toBe('25 frames/s | 26 received | 2 dead');
  expect(line(24)).toBe('25 frames/s | 2 dead');
  expect(line(5)).toBe('');
  const whole = progressLine(now, at(1), 1000);
  const parts = whole.split(' | ');
  for (let columns = 0; columns <= whole.length; columns++) {
    expect(line(columns).length).toBeLessThanOrEqual(columns);
    for (const part of line(columns).split(' | ')) expect(['', ...parts]).toContain(part);
  }
  expect(line(whole.length)).toBe(whole);
});

it.each([
  [0, '0 B/s'],
  [999, '999 B/s'],
  [12_345, '12.3 kB/s'],
  [999_600, '1.00 MB/s'],
  [64_500_000, '64.5 MB/s'],
  [2.5e9, '2.50 GB/s'],
])('gives %d bytes a second as %s', (bytes, text) => expect(formatRate(bytes)).toBe(text));

it.each([
  [1234.4, '1,234 frames/s'],
  [2.46, '2.5 frames/s'],
  [0.25, '15 frames/min'],
  [0, '0 frames/s'],
])('gives %d frames a second as %s', (rate, text) => expect(formatFrameRate(rate)).toBe(text));

it('writes a plain line every 30 seconds into a pipe, and none after the end', () => {
  const { raw, err } = show(false, 65_000);
  expect(raw).toEqual([]);
  expect(err).toHaveLength(2);
});

it('takes another interval, or none', () => {
  expect(show(false, 11_000, 5).err).toHaveLength(2);
  expect(show(true, 11_000, 'off')).toEqual({ raw: [], err: [] });
});
