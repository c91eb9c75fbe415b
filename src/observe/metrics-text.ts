import { FAIL_ON } from './fail-on.js';
import type { Cumulative } from './histogram.js';
import { isDead, isDrop, OUTCOME } from './outcome.js';
import type { Finding, Report } from './report.js';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** Values that the metrics show in addition to the report. */
export interface MetricsExtra {
  /** By sink. */
  readonly latencies?: Readonly<Record<string, Cumulative>>;
  /** Frames that wait on the edges. */
  readonly queueDepth?: number;
  readonly version?: string;
}

/** Escapes backslash, quote and newline in the value of a label. */
const escapeLabel = (value: string): string => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
/** Escapes backslash and newline in a help text. */
const escapeHelp = (text: string): string => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

const head = (full: string, type: string, help: string): string => `# HELP ${full} ${escapeHelp(help)}\n# TYPE ${full} ${type}\n`;

function line(name: string, labels: Labels, value: number): string {
  const list = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
  return `${name}${list.length > 0 ? `{${list.join(',')}}` : ''} ${number(value)}\n`;
}

/**
 * One family of the Prometheus text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats);
 * empty without samples.
 */
export function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const full = `millrace_${name}`;
  return head(full, type, help) + samples.map(([labels, value]) => line(full, labels, value)).join('');
}

/** A family of type histogram: values below each bound, their sum and their count, in seconds. */
export function histogramFamily(name: string, help: string, series: readonly (readonly [Labels, Cumulative])[]): string {
  if (series.length === 0) return '';
  const full = `millrace_${name}`;
  const lines = series.map(([labels, { boundsUs, counts, count, sumUs }]) =>
    [
      ...boundsUs.map((us, i) => line(`${full}_bucket`, { ...labels, le: String(us / 1e6) }, counts[i]!)),
      line(`${full}_bucket`, { ...labels, le: '+Inf' }, count),
      line(`${full}_sum`, labels, sumUs / 1e6),
      line(`${full}_count`, labels, count),
    ].join(''),
  );
  return head(full, 'histogram', help) + lines.join('');
}

/** Content type of the text that `metricsText` returns. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const DROPS = Object.entries(OUTCOME).flatMap(([reason, code]) => (isDrop(code) ? [reason] : []));
const DEATHS = Object.entries(OUTCOME).flatMap(([reason, code]) => (isDead(code) ? [reason] : []));
const FAILURES: readonly Finding['kind'][] = [...FAIL_ON, 'error', 'unbalanced', 'undelivered', 'in-flight'];

/**
 * The counters of a report, final or taken while the pipeline runs. Every sample has the name of the pipeline as a
 * label, and every series exists from the start: docs/reference/metrics.md lists them.
 */
export function metricsText(report: Report, { latencies = {}, queueDepth = 0, version }: MetricsExtra = {}): string {
  const pipeline = report.name;
  const sources = Object.entries(report.sources);
  const stages = Object.entries(report.stages);
  const sinks = Object.entries(report.sinks);
  const perSource = (read: (name: string) => number): Sample[] => sources.map(([source]) => [{ pipeline, source }, read(source)]);
  const byReason = (kind: 'dropped' | 'dead', reasons: readonly string[]): Sample[] =>
    sources.flatMap(([source, { ledger }]) =>
      [...new Set([...reasons, ...Object.keys(ledger[kind])])].map(
        (reason): Sample => [{ pipeline, source, reason }, (Object.hasOwn(ledger[kind], reason) && ledger[kind][reason]) || 0],
      ),
    );
  const perStage = (read: 'frames' | 'bytes' | 'busy' | 'restarts' | 'redispatched' | 'lost'): Sample[] =>
    stages.map(([stage, values]) => [{ pipeline, stage }, values[read]]);
  const perSink = (read: 'delivered' | 'redelivered' | 'refused'): Sample[] =>
    sinks.map(([sink, values]) => [{ pipeline, sink }, values[read]]);
  const ledger = (key: 'received' | 'delivered' | 'merged' | 'filtered' | 'inFlight') =>
    perSource((name) => report.sources[name]!.ledger[key]);
  return [
    ...(version === undefined
      ? []
      : [family('build_info', 'gauge', 'Always 1; the label holds the version of Millrace.', [[{ pipeline, version }, 1]])]),
    family('run_seconds', 'gauge', 'Time since the run began.', [[{ pipeline }, report.durationS]]),
    family('received_frames_total', 'counter', 'Frames received from a source, including refused ones.', ledger('received')),
    family(
      'received_bytes_total',
      'counter',
      'Payload bytes received from a source.',
      perSource((name) => report.sources[name]!.bytes),
    ),
    family('delivered_frames_total', 'counter', 'Frames whose worst outcome is delivered.', ledger('delivered')),
    family('merged_frames_total', 'counter', 'Frames absorbed into an aggregate.', ledger('merged')),
    family('filtered_frames_total', 'counter', 'Frames that an operator chose not to pass on.', ledger('filtered')),
    family('dropped_frames_total', 'counter', 'Frames dropped by an overflow policy, by reason.', byReason('dropped', DROPS)),
    family('dead_frames_total', 'counter', 'Frames that failed, by reason.', byReason('dead', DEATHS)),
    family('in_flight_frames', 'gauge', 'Frames received and not yet settled.', ledger('inFlight')),
    family('queued_frames', 'gauge', 'Frames that wait on the edges between the nodes.', [[{ pipeline }, queueDepth]]),
    family(
      'run_failures',
      'gauge',
      'Findings that fail the run, by kind.',
      FAILURES.map((kind) => [{ pipeline, kind }, report.failures.filter((one) => one.kind === kind).length]),
    ),
    family(
      'dead_letters_total',
      'counter',
      'Dead frames by result: kept as a file, not written because of an error, or over the limit.',
      Object.entries(report.deadLetters ?? { written: 0, failed: 0, omitted: 0 }).map(([result, count]) => [
        { pipeline, result },
        count as number,
      ]),
    ),
    family('stage_frames_total', 'counter', 'Frames processed by a stage.', perStage('frames')),
    family('stage_bytes_total', 'counter', 'Payload bytes read by a stage.', perStage('bytes')),
    family('stage_busy_ratio', 'gauge', "Share of the workers' time spent in operators, 0 to 1.", perStage('busy')),
    family('stage_restarts_total', 'counter', 'Workers that crashed and were replaced.', perStage('restarts')),
    family(
      'stage_redispatched_frames_total',
      'counter',
      'Frames whose worker crashed and that another worker processed again.',
      perStage('redispatched'),
    ),
    family('stage_lost_frames_total', 'counter', 'Frames given up because workers crashed on them.', perStage('lost')),
    family('sink_delivered_frames_total', 'counter', 'Frames that a sink has accepted.', perSink('delivered')),
    family('sink_redelivered_frames_total', 'counter', 'Frames that a sink received again.', perSink('redelivered')),
    family('sink_refused_frames_total', 'counter', 'Frames that a sink rejected permanently.', perSink('refused')),
    family(
      'sink_outage_seconds_total',
      'counter',
      'Time in which a sink could not be reached.',
      sinks.map(([sink, { outageMs }]) => [{ pipeline, sink }, outageMs / 1000]),
    ),
    histogramFamily(
      'sink_latency_seconds',
      "Time from the last byte received to the end of the sink's write.",
      sinks.flatMap(([sink]) => (Object.hasOwn(latencies, sink) ? [[{ pipeline, sink }, latencies[sink]!] as const] : [])),
    ),
    family(
      'sink_latency_max_seconds',
      'gauge',
      "Longest time from the last byte received to the end of the sink's write.",
      sinks.map(([sink, { latencyUs }]) => [{ pipeline, sink }, latencyUs.max / 1e6]),
    ),
  ].join('');
}
