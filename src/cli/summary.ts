import type { LatencyUs, Ledger, Report, SeriesReport } from '../observe/report.js';
import { formatBytes, formatCount, formatDuration, formatRate } from './quantities.js';
import { table } from './table.js';

const MAX_SERIES_LINES = 10;

/** What a run says at its end, in lines. */
export function summary(report: Report): string[] {
  const lines = [
    '',
    `${report.name}: ${report.ok ? 'done' : 'FAILED'} in ${formatDuration(report.durationS)}, ` +
      `${formatCount(report.throughput.framesPerS)} frames/s, ${formatRate(report.throughput.bytesPerS)}`,
  ];
  for (const { message } of report.failures) lines.push(`  failed: ${printable(message)}`);
  for (const { message } of report.remarks) lines.push(`  note: ${printable(message)}`);
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
    ),
  );
  for (const [name, source] of Object.entries(report.sources)) lines.push(...sourceNotes(name, source.ledger, source.verdict));
  lines.push(...branchTable(report));
  for (const [name, { series }] of Object.entries(report.sources)) if (series) lines.push('', ...seriesTable(name, series));
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
      ),
    );
  }
  lines.push('');
  lines.push(
    ...table(
      ['sink', 'delivered', 'redelivered', 'refused', 'outage', 'p50', 'p90', 'p99', 'max'],
      Object.entries(report.sinks).map(([name, sink]) => [
        name,
        ...[sink.delivered, sink.redelivered, sink.refused].map(formatCount),
        sink.outageMs > 0 ? formatDuration(sink.outageMs / 1000) : '-',
        ...latencies(sink.latencyUs),
      ]),
    ),
  );
  if (report.deadLetters) lines.push('', `dead letters: ${deadLetters(report.deadLetters)}`);
  const missing = Object.entries(report.undelivered ?? {}).filter(([, count]) => count > 0);
  if (missing.length > 0) lines.push('', `not delivered: ${missing.map(([sink, count]) => `${formatCount(count)} to ${sink}`).join(', ')}`);
  lines.push('', report.balanced ? 'ledger: balanced, every frame accounted for' : 'ledger: DOES NOT BALANCE');
  return lines;
}

/** Where a source has several sinks: what became of its frames at each. */
function branchTable({ sources, sinks }: Report): string[] {
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
  return ['', ...table(['branch', 'received', 'delivered', 'merged', 'filtered', 'dropped', 'dead', 'in flight', 'required'], rows)];
}

function seriesTable(source: string, series: readonly SeriesReport[]): string[] {
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
  );
  if (series.length > shown.length) lines.push(`  and ${formatCount(series.length - shown.length)} before`);
  return lines;
}

/** Text that came from a file or over a network, without the characters that a terminal would obey. */
const printable = (text: string): string => text.replace(/\p{C}/gu, '?');

function deadLetters({ written, failed, omitted }: NonNullable<Report['deadLetters']>): string {
  return [
    `${formatCount(written)} written`,
    ...(failed > 0 ? [`${formatCount(failed)} could not be`] : []),
    ...(omitted > 0 ? [`${formatCount(omitted)} had no room`] : []),
  ].join(', ');
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
  if (verdict.missing && verdict.missing.length > 0) {
    const ranges = verdict.missing.slice(0, 10).map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
    lines.push(
      `  ${name}: missing ${ranges.join(', ')}${verdict.missing.length > 10 ? ` and ${verdict.missing.length - 10} more ranges` : ''}`,
    );
  }
  if (verdict.repeated) lines.push(`  ${name}: ${formatCount(verdict.repeated)} frames with a number that had come before`);
  if (verdict.reason) lines.push(`  ${name}: ${verdict.state}: ${verdict.reason}`);
  return lines;
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
