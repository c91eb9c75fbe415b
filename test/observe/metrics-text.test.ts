import { describe, expect, it } from 'vitest';
import { family, metricsText } from '../../src/observe/metrics-text.js';
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
    expect(lines).toContain(`millrace_sink_latency_max_seconds{${pipeline},sink="live"} 0.0004`);
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
