import type { FrameIds, LatencyUs, Ledger, PeerReport, Report, SeriesReport } from '../observe/report.js';
import { type Paint, plain } from './colour.js';
import { printable } from './printable.js';
import { formatBytes, formatCount, formatDuration, formatFrameRate, formatRate } from './quantities.js';
import { table as fitted } from './table.js';

const MAX_SERIES_LINES = 10;
const MAX_RANGES = 10;
/** Columns of a ledger to omit on a narrow terminal, the least important first. */
const OPTIONAL_COUNTS = ['bytes', 'in flight', 'merged', 'filtered', 'dropped', 'dead', 'delivered', 'received'];

type Table = (head: readonly string[], rows: readonly (readonly string[])[], optional: readonly string[]) => string[];

export interface SummaryOptions {
  /** Width that the tables fit into by omitting their least important columns. */
  readonly columns?: number;
  readonly paint?: Paint;
}

/** `NAME: done in 2.00 s, 500 frames/s, 2.00 MB/s`. */
export function headline({ name, ok, durationS, throughput }: Report, paint: Paint = plain): string {
  const state = ok ? paint('done', 'green') : paint('FAILED', 'red');
  return `${name}: ${state} in ${formatDuration(durationS)}, ${formatFrameRate(throughput.framesPerS)}, ${formatRate(throughput.bytesPerS)}`;
}

/** The summary of a run, in lines. */
export function summary(report: Report, { columns = Number.POSITIVE_INFINITY, paint = plain }: SummaryOptions = {}): string[] {
  const table = (head: readonly string[], rows: readonly (readonly string[])[], optional: readonly string[]): string[] =>
    fitted(head, rows, { columns, optional });
  const lines = ['', headline(report, paint)];
  for (const { message } of report.failures) lines.push(`  ${paint('failed:', 'red')} ${printable(message)}`);
  for (const { message } of report.remarks) lines.push(`  ${paint('note:', 'yellow')} ${printable(message)}`);
  lines.push('');
  lines.push(
    ...table(
      ['source', 'received', 'delivered', 'merged', 'filtered', 'dropped', 'dead', 'in flight', 'bytes', 'verdict'],
      Object.entries(report.sources).map(([name, { ledger, verdict, bytes }]) => [
        name,
        ...[
          ledger.received,
          ledger.delivered,
          ledger.merged,
          ledger.filtered,
          total(ledger.dropped),
          total(ledger.dead),
          ledger.inFlight,
        ].map(formatCount),
        formatBytes(bytes),
        verdict.state,
      ]),
      OPTIONAL_COUNTS,
    ),
  );
  for (const [name, source] of Object.entries(report.sources)) lines.push(...sourceNotes(name, source.ledger, source.verdict));
  lines.push(...branchTable(report, table));
  for (const [name, { series }] of Object.entries(report.sources)) if (series) lines.push('', ...seriesTable(name, series, table));
  if (Object.keys(report.stages).length > 0) {
    lines.push('');
    lines.push(
      ...table(
        ['stage', 'frames', 'bytes', 'busy'],
        Object.entries(report.stages).map(([name, { frames, bytes, busy }]) => [
          name,
          formatCount(frames),
          formatBytes(bytes),
          `${Math.round(busy * 100)} %`,
        ]),
        ['bytes'],
      ),
    );
  }
  lines.push('');
  // Only transports that learn the outcome of a frame late have these.
  const isLate = Object.values(report.sinks).some(({ undelivered, lost }) => undelivered || lost);
  lines.push(
    ...table(
      ['sink', 'delivered', ...(isLate ? ['undelivered', 'lost'] : []), 'redelivered', 'refused', 'outage', 'p50', 'p90', 'p99', 'max'],
      Object.entries(report.sinks).map(([name, sink]) => [
        name,
        formatCount(sink.delivered),
        ...(isLate ? [sink.undelivered?.frames ?? 0, sink.lost?.frames ?? 0].map(formatCount) : []),
        ...[sink.redelivered, sink.refused].map(formatCount),
        sink.outageMs > 0 ? formatDuration(sink.outageMs / 1000) : '-',
        ...latencies(sink.latencyUs),
      ]),
      ['outage', 'redelivered', 'refused', 'p90', 'p99', 'p50', 'max'],
    ),
  );
  for (const [name, { undelivered, lost, peers }] of Object.entries(report.sinks)) {
    if (undelivered) lines.push(`  ${name}: undelivered ${numbersOf(undelivered)}`);
    if (lost) lines.push(`  ${name}: lost with a connection ${numbersOf(lost)}`);
    for (const peer of peers ?? []) if (peer.lost + peer.dropped > 0) lines.push(`  ${name}: ${peerLine(peer)}`);
  }
  if (report.deadLetters) lines.push('', `dead letters: ${deadLetters(report.deadLetters)}`);
  const missing = Object.entries(report.undelivered ?? {}).filter(([, count]) => count > 0);
  if (missing.length > 0) lines.push('', `not delivered: ${missing.map(([sink, count]) => `${formatCount(count)} to ${sink}`).join(', ')}`);
  lines.push('', report.balanced ? 'ledger: balanced, every frame accounted for' : paint('ledger: DOES NOT BALANCE', 'red'));
  return lines;
}

/** For a source with several sinks: the outcome of its frames at each sink. */
function branchTable({ sources, sinks }: Report, table: Table): string[] {
  const rows = Object.keys(sources).flatMap((source) => {
    const reached = Object.entries(sinks).filter(([, { ledgers }]) => ledgers[source] !== undefined);
    if (reached.length < 2) return [];
    return reached.map(([sink, { ledgers, required }]) => {
      const { received, delivered, merged, filtered, dropped, dead, inFlight } = ledgers[source]!;
      const counts = [received, delivered, merged, filtered, total(dropped), total(dead), inFlight].map(formatCount);
      return [`${source} > ${sink}`, ...counts, required ? 'yes' : 'no'];
    });
  });
  if (rows.length === 0) return [];
  return [
    '',
    ...table(['branch', 'received', 'delivered', 'merged', 'filtered', 'dropped', 'dead', 'in flight', 'required'], rows, OPTIONAL_COUNTS),
  ];
}

function seriesTable(source: string, series: readonly SeriesReport[], table: Table): string[] {
  const shown = series.slice(-MAX_SERIES_LINES);
  const lines = table(
    [`series of ${source}`, 'ended', 'expected', 'received', 'delivered', 'dropped', 'dead', 'verdict'],
    shown.map(({ id, ended, expected, ledger, verdict }) => [
      printable(String(id)).slice(0, 40),
      ended,
      expected === undefined ? '-' : formatCount(expected),
      formatCount(ledger.received),
      formatCount(ledger.delivered),
      formatCount(total(ledger.dropped)),
      formatCount(total(ledger.dead)),
      verdict.state,
    ]),
    ['ended', 'expected', 'dropped', 'dead'],
  );
  if (series.length > shown.length) lines.push(`  and ${formatCount(series.length - shown.length)} earlier series`);
  return lines;
}

function deadLetters({ written, failed, omitted }: NonNullable<Report['deadLetters']>): string {
  return [
    `${formatCount(written)} written`,
    ...(failed > 0 ? [`${formatCount(failed)} could not be written`] : []),
    ...(omitted > 0 ? [`${formatCount(omitted)} over the limit`] : []),
  ].join(', ');
}

/** The first ranges of the sender's numbers, by source. */
function numbersOf({ frames, ranges, unlisted }: FrameIds): string {
  const listed = Object.entries(ranges).map(([source, all]) => `numbers ${rangeList(all)} of ${source}`);
  return [`${formatCount(frames)} frames`, ...listed, ...(unlisted ? [`${formatCount(unlisted)} not listed`] : [])].join(', ');
}

function peerLine({ address, written, lost, dropped }: PeerReport): string {
  return `subscriber ${printable(address)}: ${formatCount(written)} messages written, ${formatCount(lost)} lost, ${formatCount(dropped)} dropped`;
}

function rangeList(all: readonly (readonly [first: number, last: number])[]): string {
  const ranges = all.slice(0, MAX_RANGES).map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
  return `${ranges.join(', ')}${all.length > MAX_RANGES ? ` and ${all.length - MAX_RANGES} more ranges` : ''}`;
}

function latencies({ p50, p90, p99, max }: LatencyUs): string[] {
  return [p50, p90, p99, max].map((us) => formatDuration(us / 1e6));
}

function sourceNotes(name: string, { dropped, dead }: Ledger, verdict: Report['sources'][string]['verdict']): string[] {
  const lines: string[] = [];
  const reasons = (kind: string, counts: Readonly<Record<string, number>>): void => {
    const list = Object.entries(counts).filter(([, count]) => count > 0);
    if (list.length > 0) lines.push(`  ${name}: ${kind} ${list.map(([reason, count]) => `${formatCount(count)} ${reason}`).join(', ')}`);
  };
  reasons('dropped', dropped);
  reasons('dead', dead);
  if (verdict.missing && verdict.missing.length > 0) lines.push(`  ${name}: missing ${rangeList(verdict.missing)}`);
  if (verdict.repeated) lines.push(`  ${name}: ${formatCount(verdict.repeated)} frames with a repeated number`);
  if (verdict.reason) lines.push(`  ${name}: ${verdict.state}: ${verdict.reason}`);
  return lines;
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
