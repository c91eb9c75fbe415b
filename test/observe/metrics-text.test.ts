import { describe, expect, it } from 'vitest';
import { family, metricsText, progressText } from '../../src/observe/metrics-text.js';
import type { Report } from '../../src/observe/report.js';

const report: Report = {
  version: 2,
  name: 'a "quoted"\\name\nof two lines',
  ok: true,
  failOn: [],
  failures: [],
  remarks: [],
  balanced: true,
  durationS: 2,
  sources: {
    detector: {
      ledger: { received: 10, delivered: 4, merged: 0, filtered: 1, dropped: { latest: 3 }, dead: { malformed: 2 }, inFlight: 0 },
      verdict: { state: 'complete' },
      bytes: 1024,
    },
  },
  stages: { reduce: { frames: 5, bytes: 640, busy: 0.5, restarts: 0, redispatched: 0, lost: 0 } },
  sinks: {
    live: {
      required: true,
      ledgers: {},
      promise: 'acknowledged',
      delivered: 4,
      redelivered: 1,
      refused: 0,
      outageMs: 1500,
      latencyUs: { p50: 100, p90: 200, p99: 300, max: 400 },
    },
  },
  latencyUs: { p50: 100, p90: 200, p99: 300, max: 400 },
  throughput: { framesPerS: 5, bytesPerS: 512 },
};

describe('metrics text', () => {
  const pipeline = 'pipeline="a \\"quoted\\"\\\\name\\nof two lines"';

  it('writes each count of the ledger with escaped labels', () => {
    const lines = metricsText(report).split('\n');
    expect(lines).toContain(`millrace_received_frames_total{${pipeline},source="detector"} 10`);
    expect(lines).toContain(`millrace_dropped_frames_total{${pipeline},source="detector",reason="latest"} 3`);
    expect(lines).toContain(`millrace_dead_frames_total{${pipeline},source="detector",reason="malformed"} 2`);
    expect(lines).toContain(`millrace_in_flight_frames{${pipeline},source="detector"} 0`);
    expect(lines).toContain(`millrace_sink_outage_seconds_total{${pipeline},sink="live"} 1.5`);
    expect(lines).toContain(`millrace_sink_latency_seconds{${pipeline},sink="live",quantile="0.99"} 0.0003`);
  });

  it('keeps to the grammar: HELP and TYPE before the samples of a family, counters end in _total, one family once', () => {
    const text =
      metricsText(report) + progressText('p', { received: 1, delivered: 1, dropped: 0, dead: 0, inFlight: 0, bytes: 8, queueDepth: 0 });
    expect(text.endsWith('\n')).toBe(true);
    const seen = new Set<string>();
    let name = '';
    let described = 0;
    for (const line of text.trimEnd().split('\n')) {
      const help = /^# HELP (millrace_[a-z_]+) \S/.exec(line);
      const type = /^# TYPE (millrace_[a-z_]+) (counter|gauge)$/.exec(line);
      if (help) {
        name = help[1]!;
        expect(seen.has(name), name).toBe(false);
        seen.add(name);
        described = 1;
      } else if (type) {
        expect(type[1]).toBe(name);
        expect(type[2] === 'counter').toBe(name.endsWith('_total'));
        described++;
      } else {
        expect(described).toBe(2);
        expect(line).toMatch(/^millrace_[a-z_]+\{([a-z]+="(\\["\\n]|[^"\\\n])*",?)+\} \S+$/);
        expect(line.startsWith(`${name}{`)).toBe(true);
      }
    }
    expect(seen.size).toBeGreaterThan(20);
  });

  it('spells infinities and not-a-number as Prometheus does, and leaves out a family without samples', () => {
    const text = family('x', 'gauge', 'a\\b\nc', [
      [{}, Number.POSITIVE_INFINITY],
      [{}, Number.NEGATIVE_INFINITY],
      [{}, Number.NaN],
    ]);
    expect(text).toBe('# HELP millrace_x a\\\\b\\nc\n# TYPE millrace_x gauge\nmillrace_x +Inf\nmillrace_x -Inf\nmillrace_x NaN\n');
    expect(family('x', 'gauge', 'nothing', [])).toBe('');
  });
});
