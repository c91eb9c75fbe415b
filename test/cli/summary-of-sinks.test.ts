import { expect, it } from 'vitest';
import { summary } from '../../src/cli/summary.js';
import type { Report, SinkReport } from '../../src/observe/report.js';

const latencyUs = { p50: 0, p90: 0, p99: 0, max: 0 };
const sink: SinkReport = {
  required: true,
  ledgers: {},
  delivered: 197,
  redelivered: 0,
  refused: 0,
  outageMs: 0,
  latencyUs,
  promise: 'written',
};
const report = (live: Partial<SinkReport>): Report => ({
  version: 2,
  name: 'p',
  ok: false,
  failOn: ['dead'],
  failures: [],
  remarks: [],
  balanced: true,
  durationS: 1,
  sources: {},
  stages: {},
  sinks: { live: { ...sink, ...live }, other: sink },
  latencyUs,
  throughput: { framesPerS: 1, bytesPerS: 1 },
});
const lines = (live: Partial<SinkReport>): string => summary(report(live)).join('\n');

it('names the frames that a sink did not deliver, by number', () => {
  const text = lines({
    undelivered: {
      frames: 100,
      ranges: {
        detector: [
          [200, 298],
          [300, 300],
        ],
      },
    },
    lost: { frames: 3, ranges: { detector: [[197, 199]] }, unlisted: 2 },
  });
  expect(text).toMatch(/sink +delivered +undelivered +lost/);
  expect(text).toMatch(/live +197 +100 +3/);
  expect(text).toMatch(/other +197 +0 +0/);
  expect(text).toContain('live: undelivered 100 frames, numbers 200-298, 300 of detector');
  expect(text).toContain('live: lost with a connection 3 frames, numbers 197-199 of detector, 2 not listed');
});

it('says what each subscriber of a publisher missed', () => {
  const text = lines({
    peers: [
      { address: 'tcp://127.0.0.1:5000', written: 10, lost: 1, dropped: 1200 },
      { address: 'tcp://127.0.0.1:5001', written: 10, lost: 0, dropped: 0 },
    ],
  });
  expect(text).toContain('live: subscriber tcp://127.0.0.1:5000: 10 messages written, 1 lost, 1,200 dropped');
  expect(text).not.toContain('5001');
});

it('has no column for sinks of which nothing is known late', () => {
  expect(lines({})).not.toMatch(/undelivered|lost/);
});
