import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cumulate, HISTOGRAM_BYTES, Histogram } from '../../src/observe/histogram.js';
import { metricsText } from '../../src/observe/metrics-text.js';
import type { Report } from '../../src/observe/report.js';

const cached = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'millrace/prometheus/promtool');
const promtool = existsSync(cached) ? cached : 'promtool';
const hasPromtool = spawnSync(promtool, ['--version']).status === 0;

const detector: Report['sources'][string] = {
  ledger: { received: 0, delivered: 0, merged: 0, filtered: 0, dropped: {}, dead: {}, inFlight: 0 },
  verdict: { state: 'unverifiable' },
  bytes: 0,
};

/** Of a run that has just begun: nothing has happened. */
const fresh: Report = {
  version: 2,
  name: 'a "quoted"\\name\nof two lines',
  ok: true,
  failOn: [],
  failures: [],
  remarks: [],
  balanced: true,
  durationS: 0,
  sources: Object.fromEntries([['constructor', detector]]),
  stages: { reduce: { frames: 0, bytes: 0, busy: 0, restarts: 0, redispatched: 0, lost: 0 } },
  sinks: {
    live: {
      required: true,
      ledgers: {},
      delivered: 0,
      redelivered: 0,
      refused: 0,
      outageMs: 0,
      latencyUs: { p50: 0, p90: 0, p99: 0, max: 0 },
      promise: 'acknowledged',
    },
  },
  latencyUs: { p50: 0, p90: 0, p99: 0, max: 0 },
  throughput: { framesPerS: 0, bytesPerS: 0 },
};

function textWith(timesUs: readonly number[], report: Report = fresh): string {
  const buffer = new SharedArrayBuffer(HISTOGRAM_BYTES);
  const histogram = new Histogram(buffer, 0);
  for (const us of timesUs) histogram.record(us);
  return metricsText(report, { latencies: { live: cumulate(buffer, 0) }, queueDepth: 3, version: '1.2.3' });
}

/** Name and labels of each sample, without its value. */
const seriesOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));

const familiesOf = (text: string): string[] => [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!);

describe('the metrics', () => {
  it('have HELP and TYPE before the samples of a family, each family once, and names by type and unit', () => {
    const families = new Map<string, string>();
    let current = '';
    let described = '';
    for (const line of textWith([10, 100]).trimEnd().split('\n')) {
      const help = /^# HELP (millrace_[a-z_]+) \S/.exec(line);
      const type = /^# TYPE (millrace_[a-z_]+) (counter|gauge|histogram)$/.exec(line);
      if (help) described = help[1]!;
      else if (type) {
        current = type[1]!;
        expect(current).toBe(described);
        expect(families.has(current), current).toBe(false);
        families.set(current, type[2]!);
        expect(type[2] === 'counter', current).toBe(current.endsWith('_total'));
        expect(current).toMatch(/_(frames|bytes|seconds|letters|restarts|ratio|info|failures)(_total)?$/);
      } else {
        const [, name, labels] = /^(millrace_[a-z_]+)\{((?:[a-z]+="(?:\\["\\n]|[^"\\\n])*",?)+)\} \S+$/.exec(line)!;
        expect(families.get(current) === 'histogram' ? name!.replace(/_(bucket|sum|count)$/, '') : name).toBe(current);
        expect(labels).toContain('pipeline="a \\"quoted\\"\\\\name\\nof two lines"');
      }
    }
    expect(families.size).toBeGreaterThan(20);
  });

  it('has the same series at the start as later', () => {
    const later: Report = {
      ...fresh,
      sources: Object.fromEntries([
        ['constructor', { ...detector, ledger: { ...detector.ledger, dropped: { latest: 3 }, dead: { malformed: 2 } } }],
      ]),
      failures: [{ kind: 'dead', message: 'x' }],
      deadLetters: { written: 1, failed: 0, omitted: 0 },
    };
    const text = textWith([50, 5000], later);
    expect(seriesOf(textWith([]))).toEqual(seriesOf(text));
    expect(text).toMatch(/_dropped_frames_total\{.*reason="latest"\} 3/);
    // Of a run that has not begun, all are 0 but the version and the queue that was given.
    for (const line of textWith([])
      .split('\n')
      .filter((one) => /^millrace/.test(one) && !/build_info|queued/.test(one)))
      expect(line).toMatch(/ 0$/);
  });

  it('counts latencies below each bound, and adds them up, beyond 2^32 microseconds too', () => {
    const timesUs = [0, 63, 64, 100, 127, 128, 1000, 5_000_000, 2 ** 30, 2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1];
    const text = textWith(timesUs);
    const buckets = [...text.matchAll(/_latency_seconds_bucket\{.*le="([^"]+)"\} (\d+)/g)].map(
      ([, le, count]) => [le!, Number(count)] as const,
    );
    expect(buckets).toHaveLength(22);
    for (const [le, count] of buckets) {
      const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le) * 1e6;
      expect(count, le).toBe(timesUs.filter((us) => us < bound - 1e-6).length);
    }
    expect(text).toMatch(new RegExp(`_latency_seconds_count\\{.*\\} ${timesUs.length}$`, 'm'));
    const sum = Number(/_latency_seconds_sum\{.*\} (\S+)$/m.exec(text)![1]);
    expect(sum).toBeCloseTo(timesUs.reduce((all, us) => all + us, 0) / 1e6, 6);
  });

  it.skipIf(!hasPromtool)(`pass promtool check metrics${hasPromtool ? '' : ' (no promtool)'}`, () => {
    for (const timesUs of [[], [10, 70, 1e6]]) {
      const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: textWith(timesUs), encoding: 'utf8' });
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    }
  });
});

describe('what goes with the metrics', () => {
  const families = familiesOf(textWith([]));

  it('docs/reference/metrics.md lists exactly these, with their types', () => {
    const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8');
    const listed = [...page.matchAll(/^\| `(millrace_[a-z_]+)` \| (\w+) \|/gm)].map(([, name, type]) => `${name} ${type}`);
    expect(listed).toEqual([...textWith([]).matchAll(/^# TYPE (\S+ \S+)$/gm)].map(([, line]) => line));
  });

  it('the dashboard of Grafana uses no other, with labels that they have', () => {
    const text = readFileSync(new URL('../../packaging/grafana-dashboard.json', import.meta.url), 'utf8');
    const dashboard = JSON.parse(text) as { panels: { targets: { expr: string; legendFormat: string }[] }[] };
    const series = seriesOf(textWith([]));
    const used = [...text.matchAll(/millrace_[a-z_]+/g)].map(([name]) => name);
    expect(used.length).toBeGreaterThan(15);
    for (const name of used) expect([...families, ...families.map((one) => `${one}_bucket`)]).toContain(name);
    for (const { expr, legendFormat } of dashboard.panels.flatMap(({ targets }) => targets)) {
      const [name] = /millrace_[a-z_]+/.exec(expr)!;
      const sample = series.find((one) => one.startsWith(`${name}{`))!;
      for (const [, label] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) expect(sample, legendFormat).toContain(`${label}="`);
    }
  });
});
