import { describe, expect, it } from 'vitest';
import { runView, type Snapshot } from '../../../src/cli/top/run-view.js';
import { bar, sparkline } from '../../../src/cli/top/sparkline.js';
import type { Ledger, Report } from '../../../src/observe/report.js';

const ledger = (received: number, delivered: number): Ledger => ({
  received,
  delivered,
  merged: 0,
  filtered: 0,
  dropped: { latest: 7, sampled: 0 },
  dead: {},
  inFlight: received - delivered - 7,
});

function snapshot(atMs: number, received: number, busy: number): Snapshot {
  const report = {
    version: 2,
    name: 'p',
    durationS: atMs / 1000,
    sources: { camera: { ledger: ledger(received, received - 10), verdict: { state: 'complete' }, bytes: received * 1000 } },
    stages: { reduce: { frames: received, bytes: 0, busy, restarts: 0, redispatched: 0, lost: 0 } },
    sinks: {
      'ou\u001b[2Jt': {
        required: true,
        ledgers: { camera: ledger(received, received - 10) },
        delivered: received - 10,
        redelivered: 0,
        refused: 0,
        outageMs: 0,
        latencyUs: { p50: 1500, p90: 2000, p99: 3000, max: 4000 },
      },
    },
    throughput: { framesPerS: (received * 1000) / atMs, bytesPerS: 0 },
  } as unknown as Report;
  return {
    status: { name: 'p', state: 'running', pid: 7, uptimeS: atMs / 1000 },
    report,
    profiles: {},
    queues: [{ node: 'reduce', frames: 3, capacity: 64 }],
    atMs,
  };
}

const options = { columns: 100, unicode: true, history: [1, 2] };

describe('the view of a run', () => {
  // Between the looks: 2 s, 600 frames of 1000 bytes; busy 0.5 of 2 s, then 0.75 of 4 s in all: 2 s of the last 2.
  const lines = runView(snapshot(4000, 1000, 0.75), snapshot(2000, 400, 0.5), options).map(({ text }) => text);

  it('has rates of the time since the last look', () => {
    expect(lines[1]).toBe('300 frames/s  300 kB/s');
    expect(lines.find((line) => line.startsWith('camera'))).toMatch(/^camera +300 +1,000 +990 +0 +0 +7 +0 +3 +complete$/);
    expect(lines.find((line) => line.startsWith('reduce'))).toMatch(/^reduce +300 +3\/64 +100 % ██████████ +0 +0$/);
  });

  it('tells drops with their reason, and no name reaches the terminal raw', () => {
    expect(lines).toContain('camera: dropped 7 latest');
    expect(lines.join('')).not.toContain('\u001b');
  });

  it('draws the latest profile of a sink, its peaks too where the terminal is narrow', () => {
    const values = Array.from({ length: 200 }, (_, item) => (item === 101 ? 8 : item === 199 ? null : 1));
    const seen = { ...snapshot(4000, 1000, 0.75), profiles: { out: { frame: 12, column: 'I', items: 4000, values } } };
    const drawn = runView(seen, undefined, { ...options, columns: 21 }).map(({ text }) => text);
    const at = drawn.indexOf('out: frame 12, I, …');
    expect(drawn[at + 1]).toBe(`${'▂'.repeat(10)}█${'▂'.repeat(9)}`);
  });

  it('has a dash where a run does not tell its queues', () => {
    const old = runView({ ...snapshot(4000, 1000, 0.75), queues: undefined }, undefined, options);
    expect(old.map(({ text }) => text).find((line) => line.startsWith('reduce'))).toMatch(/^reduce +250 +- +75 %/);
  });

  it.each([10, 33, 61])('fits %i columns and cuts no number', (columns) => {
    const whole = runView(snapshot(4000, 1000, 0.75), undefined, options);
    const narrow = runView(snapshot(4000, 1000, 0.75), undefined, { ...options, columns });
    for (const [number, { text }] of narrow.entries()) {
      expect([...text].length).toBeLessThanOrEqual(columns);
      const all = whole[number]!.text;
      if (!text.endsWith(' …')) expect(text).toBe(all);
      else if (/\s/.test(all.slice(0, columns - 1))) expect(all.slice(text.length - 2, text.length - 1)).toMatch(/^ ?$/);
    }
  });
});

describe('a sparkline', () => {
  it('goes from the least to the greatest, with a gap for what is no number', () => {
    expect(sparkline([0, 4, 8, Number.NaN, 1], true)).toBe('▁▅█ ▂');
    expect(sparkline([0, 0], true)).toBe('▁▁');
    expect(sparkline([-8, 0], false)).toBe('_#');
    expect(sparkline([Number.POSITIVE_INFINITY, 1], true)).toBe(' █');
  });

  it('and a bar fills its cells', () => {
    expect([bar(0, 4, true), bar(0.5, 4, true), bar(7, 4, false)]).toEqual(['░░░░', '██░░', '####']);
  });
});
