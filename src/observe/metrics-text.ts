import type { LatencyUs, Progress, Report } from './report.js';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** A label's value in the text format: backslash, quote and newline are escaped. */
const escapeLabel = (value: string): string => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
/** A help text: backslash and newline are escaped. */
const escapeHelp = (text: string): string => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}

/** One family of the Prometheus text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats); empty without samples. */
export function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const full = `millrace_${name}`;
  const lines = samples.map(([labels, value]) => {
    const list = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    return `${full}${list.length > 0 ? `{${list.join(',')}}` : ''} ${number(value)}\n`;
  });
  return `# HELP ${full} ${escapeHelp(help)}\n# TYPE ${full} ${type}\n${lines.join('')}`;
}

/** Content type of what `metricsText` and `progressText` return. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The counters of a report, final or taken while the pipeline runs. Every sample carries the pipeline's name. */
export function metricsText(report: Report): string {
  const pipeline = report.name;
  const sources = Object.entries(report.sources);
  const stages = Object.entries(report.stages);
  const sinks = Object.entries(report.sinks);
  const perSource = (read: (name: string) => number): Sample[] => sources.map(([source]) => [{ pipeline, source }, read(source)]);
  const byReason = (kind: 'dropped' | 'dead'): Sample[] =>
    sources.flatMap(([source, { ledger }]) =>
      Object.entries(ledger[kind]).map(([reason, count]): Sample => [{ pipeline, source, reason }, count]),
    );
  const perStage = (read: 'frames' | 'bytes' | 'busy' | 'restarts' | 'redispatched'): Sample[] =>
    stages.map(([stage, values]) => [{ pipeline, stage }, values[read]]);
  const perSink = (read: 'delivered' | 'redelivered' | 'refused'): Sample[] =>
    sinks.map(([sink, values]) => [{ pipeline, sink }, values[read]]);
  const ledger = (key: 'received' | 'delivered' | 'merged' | 'filtered' | 'inFlight') =>
    perSource((name) => report.sources[name]!.ledger[key]);
  return [
    family('received_frames_total', 'counter', 'Frames received from a source, refused ones included.', ledger('received')),
    family(
      'received_bytes_total',
      'counter',
      'Payload bytes received from a source.',
      perSource((name) => report.sources[name]!.bytes),
    ),
    family('delivered_frames_total', 'counter', 'Frames whose worst outcome is delivered.', ledger('delivered')),
    family('merged_frames_total', 'counter', 'Frames absorbed into an aggregate.', ledger('merged')),
    family('filtered_frames_total', 'counter', 'Frames that an operator chose not to pass on.', ledger('filtered')),
    family('dropped_frames_total', 'counter', 'Frames dropped by an overflow policy, by reason.', byReason('dropped')),
    family('dead_frames_total', 'counter', 'Frames that failed, by reason.', byReason('dead')),
    family('in_flight_frames', 'gauge', 'Frames received and not yet settled.', ledger('inFlight')),
    family(
      'run_failures',
      'gauge',
      'What makes the run a failed one, by kind; no sample: nothing does.',
      [...new Set(report.failures.map(({ kind }) => kind))].map((kind) => [
        { pipeline, kind },
        report.failures.filter((one) => one.kind === kind).length,
      ]),
    ),
    family(
      'dead_letters_total',
      'counter',
      'Dead frames that were kept as files, could not be, or had no room, by result.',
      Object.entries(report.deadLetters ?? {}).map(([result, count]) => [{ pipeline, result }, count as number]),
    ),
    family('stage_frames_total', 'counter', 'Frames processed by a stage.', perStage('frames')),
    family('stage_bytes_total', 'counter', 'Payload bytes read by a stage.', perStage('bytes')),
    family('stage_busy_ratio', 'gauge', "Share of the workers' time spent in operators, 0 to 1.", perStage('busy')),
    family('stage_restarts_total', 'counter', 'Workers that died and were replaced.', perStage('restarts')),
    family('stage_redispatched_frames_total', 'counter', 'Frames that a worker died with and another did again.', perStage('redispatched')),
    family('sink_delivered_frames_total', 'counter', 'Frames that a sink has taken.', perSink('delivered')),
    family('sink_redelivered_frames_total', 'counter', 'Frames that a sink was given again.', perSink('redelivered')),
    family('sink_refused_frames_total', 'counter', 'Frames that a sink will never take.', perSink('refused')),
    family(
      'sink_outage_seconds_total',
      'counter',
      'Time in which a sink could not be reached.',
      sinks.map(([sink, { outageMs }]) => [{ pipeline, sink }, outageMs / 1000]),
    ),
    family(
      'sink_latency_seconds',
      'gauge',
      'From the last byte received to the write of the sink, by quantile; quantile 1 is the maximum.',
      sinks.flatMap(([sink, { latencyUs }]) => quantiles({ pipeline, sink }, latencyUs)),
    ),
  ].join('');
}

function quantiles(labels: Labels, { p50, p90, p99, max }: LatencyUs): Sample[] {
  return Object.entries({ '0.5': p50, '0.9': p90, '0.99': p99, '1': max }).map(([quantile, us]) => [{ ...labels, quantile }, us / 1e6]);
}

/** The totals of a run under way, for a pipeline that has no report yet. */
export function progressText(name: string, progress: Progress): string {
  const one = (value: number): Sample[] => [[{ pipeline: name }, value]];
  return [
    family('frames_received_total', 'counter', 'Frames received from all sources.', one(progress.received)),
    family('frames_delivered_total', 'counter', 'Frames delivered to all that they were meant for.', one(progress.delivered)),
    family('frames_dropped_total', 'counter', 'Frames dropped by an overflow policy.', one(progress.dropped)),
    family('frames_dead_total', 'counter', 'Frames that failed.', one(progress.dead)),
    family('bytes_received_total', 'counter', 'Payload bytes received from all sources.', one(progress.bytes)),
    family('frames_in_flight', 'gauge', 'Frames received and not yet settled.', one(progress.inFlight)),
    family('queue_depth_frames', 'gauge', 'Frames that wait on the edges.', one(progress.queueDepth)),
  ].join('');
}
