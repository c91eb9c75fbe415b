import { verdictOfNumbers } from '../agents/ingress/verdict-of-numbers.js';
import { redactData } from '../errors/secrets.js';
import type { ArenaViews } from '../frame/arena-views.js';
import { summarize } from '../observe/histogram.js';
import { type FirstDeath, judge } from '../observe/judge.js';
import type { LateReport } from '../observe/late-report.js';
import type { ParametersReport } from '../observe/parameters-report.js';
import type {
  FrameIds,
  LatencyUs,
  Ledger,
  PeerReport,
  Report,
  SeriesReport,
  SinkReport,
  SourceReport,
  StageReport,
  UnreadableReport,
  Verdict,
} from '../observe/report.js';
import type { SequenceVerdict } from '../observe/sequence-verdict.js';
import type { Plan } from '../plan/plan-types.js';
import type { PipelineSpec } from '../spec/spec.js';
import type { Counters } from './counters.js';
import type { RecoveryCounts } from './supervisor.js';

export interface ReportInput {
  readonly spec: PipelineSpec;
  readonly plan: Plan;
  readonly arena: ArenaViews;
  readonly counters: Counters;
  readonly sequences: ReadonlyMap<string, SequenceVerdict>;
  readonly durationS: number;
  readonly series: ReadonlyMap<string, readonly SeriesReport[]>;
  /** Counts of the recoveries of a stage. */
  readonly recoveries: (stage: string) => RecoveryCounts;
  /** Merged frames of a stage that were lost with its workers. */
  readonly lostBy: (stage: string) => number;
  /** Parameters of the operators of a stage, from the start on. */
  readonly parameters: (stage: string) => readonly ParametersReport[];
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly undelivered: Readonly<Record<string, number>> | undefined;
  /** Files and frames that sources could not read. */
  readonly unreadable: ReadonlyMap<string, UnreadableReport>;
  /** Frames that sinks accepted but did not deliver. */
  readonly late: ReadonlyMap<string, { readonly report: LateReport; readonly peers: readonly PeerReport[] }>;
  /** Time in which a source had no sender. */
  readonly outageMs: (source: string) => number;
  readonly firstDeaths: readonly FirstDeath[];
  /** Frames still in flight will never be settled. */
  readonly isOver: boolean;
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((total, n) => total + n, 0);

/** The worst verdict of its series: the numbers of each series may start anew. */
function verdictOfSeries(series: readonly SeriesReport[]): Verdict {
  const incomplete = series.filter(({ verdict }) => verdict.state === 'incomplete');
  if (incomplete.length > 0) return { state: 'incomplete', reason: `${incomplete.length} of ${series.length} series are incomplete` };
  return series.find(({ verdict }) => verdict.state === 'unverifiable')?.verdict ?? { state: 'complete' };
}

/** Whether a ledger balances. */
export function isBalanced(ledger: Ledger): boolean {
  return ledger.received === ledger.delivered + ledger.merged + ledger.filtered + sum(ledger.dropped) + sum(ledger.dead) + ledger.inFlight;
}

/** The verdict from the sender's numbers: see docs/reference/report.md. */
export function verdictOf(
  type: string,
  options: Readonly<Record<string, unknown>>,
  sequences: SequenceVerdict | undefined,
  received: number,
): Verdict {
  if (!sequences || sequences.numbered === 0)
    return { state: 'unverifiable', reason: received === 0 ? 'nothing was received' : 'the sender does not number its frames' };
  const verdict = verdictOfNumbers(sequences);
  if (verdict.state !== 'complete') return verdict;
  if (type === 'zmq' && options.socket === 'sub')
    return { state: 'unverifiable', reason: 'a SUB socket cannot detect frames missed before the first or after the last' };
  return verdict;
}

/** A source that could not read all its input has not received everything. */
function withUnreadable(verdict: Verdict, unreadable: UnreadableReport | undefined): Verdict {
  if (!unreadable) return verdict;
  const { files, frames, of } = unreadable;
  const what = [...(files > 0 ? [`${files} of ${of} files`] : []), ...(frames > 0 ? [`${frames} frames`] : [])].join(' and ');
  return {
    state: 'incomplete',
    ...(verdict.missing ? { missing: verdict.missing } : {}),
    reason: [`${what} could not be read`, ...(verdict.state === 'incomplete' && verdict.reason ? [verdict.reason] : [])].join('; '),
  };
}

/** The report of a run that never had a plan. */
export function emptyReport({ name, failOn }: PipelineSpec, durationS: number, error: Report['error']): Report {
  const nothing = { balanced: true, sources: {}, stages: {}, sinks: {} };
  const { failures, remarks } = judge({ ...nothing, ...(error ? { error } : {}) }, { failOn, isOver: true });
  return {
    version: 2,
    name,
    ok: failures.length === 0,
    failOn,
    failures,
    remarks,
    durationS,
    ...(error ? { error } : {}),
    ...nothing,
    latencyUs: { p50: 0, p90: 0, p99: 0, max: 0 },
    throughput: { framesPerS: 0, bytesPerS: 0 },
  };
}

export function buildReport(input: ReportInput): Report {
  const { spec, plan, arena, counters } = input;
  const sources: Record<string, SourceReport> = {};
  const stages: Record<string, StageReport> = {};
  const sinks: Record<string, SinkReport> = {};
  let received = 0;
  let bytes = 0;
  // An outage may have begun before the run.
  const durationMs = Math.ceil(input.durationS * 1000);
  for (const node of plan.sources) {
    const { bytes: sourceBytes, ...ledger } = counters.ledger(node, input.isOver);
    const source = spec.sources[node.name]!;
    const series = input.series.get(node.name);
    const unreadable = input.unreadable.get(node.name);
    const outageMs = Math.min(input.outageMs(node.name), durationMs);
    const verdict: Verdict =
      input.recoveries(node.name).restarts > 0
        ? { state: 'unverifiable', reason: 'its thread died and was replaced; which numbers arrived before is unknown' }
        : series
          ? verdictOfSeries(series)
          : verdictOf(source.type, source.options, input.sequences.get(node.name), ledger.received);
    sources[node.name] = {
      ledger,
      verdict: withUnreadable(verdict, unreadable),
      ...(unreadable ? { unreadable } : {}),
      ...(outageMs > 0 ? { outageMs } : {}),
      bytes: sourceBytes,
      ...(series ? { series: [...series] } : {}),
    };
    received += ledger.received;
    bytes += sourceBytes;
  }
  for (const node of plan.stages) {
    const parameters = input.parameters(node.name);
    const aggregates = counters.aggregates.of(node.name);
    const { frames, bytes: stageBytes, busyUs } = counters.stage(node.threads);
    stages[node.name] = {
      frames,
      bytes: stageBytes,
      busy: input.durationS > 0 ? Math.min(1, busyUs / 1e6 / input.durationS / node.threads.length) : 0,
      ...input.recoveries(node.name),
      ...(aggregates ? { aggregates: { ...aggregates, lost: aggregates.lost + input.lostBy(node.name) } } : {}),
      ...(parameters.length > 0 ? { parameters: redactData([...parameters]) } : {}),
    };
  }
  const all = plan.sinks.map((node) => node.histogram);
  for (const node of plan.sinks)
    sinks[node.name] = {
      required: spec.sinks[node.name]!.required,
      ledgers: counters.sinkLedgers(node.name, input.isOver),
      ...counters.sink(node),
      outageMs: Math.min(counters.sink(node).outageMs, durationMs),
      promise: node.promise,
      ...lateOf(input, node.name),
      latencyUs: latency(arena, [node.histogram]),
    };
  const deadLetters = counters.deadLetters();
  const ledgers = [
    ...Object.values(sources).map(({ ledger }) => ledger),
    ...Object.values(sinks).flatMap((sink) => Object.values(sink.ledgers)),
  ];
  // During the run, the counts of the sinks may be ahead of their source.
  const balanced = (input.isOver ? ledgers : ledgers.slice(0, plan.sources.length)).every(isBalanced);
  const judged = {
    balanced,
    ...(input.error ? { error: input.error } : {}),
    ...(input.undelivered ? { undelivered: input.undelivered } : {}),
    sources,
    sinks,
  };
  const { failOn } = spec;
  const { failures, remarks } = judge({ ...judged, stages }, { failOn, isOver: input.isOver, firstDeaths: input.firstDeaths });
  return {
    version: 2,
    name: spec.name,
    ok: failures.length === 0,
    failOn,
    failures,
    remarks,
    durationS: input.durationS,
    ...judged,
    stages,
    ...(deadLetters ? { deadLetters } : {}),
    latencyUs: latency(arena, all),
    throughput:
      input.durationS > 0
        ? { framesPerS: received / input.durationS, bytesPerS: bytes / input.durationS }
        : { framesPerS: 0, bytesPerS: 0 },
  };
}

function lateOf({ plan, counters, late }: ReportInput, name: string): Pick<SinkReport, 'lost' | 'undelivered' | 'peers'> {
  const known = late.get(name);
  const ids = (fate: 'lost' | 'undelivered'): FrameIds | undefined => {
    const frames = plan.sources.reduce((sum, source) => sum + counters.late([name], source)[fate], 0);
    if (frames === 0) return undefined;
    const ranges = known?.report[fate] ?? {};
    const listed = Object.values(ranges)
      .flat()
      .reduce((sum, [first, last]) => sum + last - first + 1, 0);
    return { frames, ranges, ...(listed < frames ? { unlisted: frames - listed } : {}) };
  };
  const lost = ids('lost');
  const undelivered = ids('undelivered');
  const peers = known?.peers ?? [];
  return { ...(lost ? { lost } : {}), ...(undelivered ? { undelivered } : {}), ...(peers.length > 0 ? { peers } : {}) };
}

function latency(arena: ArenaViews, histograms: readonly number[]): LatencyUs {
  const { p50, p90, p99, max } = summarize(arena.buffer, histograms);
  return { p50, p90, p99, max };
}
