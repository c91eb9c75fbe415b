import type { Report } from '../../observe/report.js';
import { printable } from '../printable.js';
import { formatCount, formatDuration, formatRate } from '../quantities.js';
import { table } from '../table.js';
import { bar, sparkline } from './sparkline.js';

/** The answer to the request `profile`. */
export interface Profile {
  readonly frame: number;
  readonly column?: string;
  readonly items: number;
  readonly values: readonly (number | null)[];
}

/** What a run reports of itself at one moment. */
export interface Snapshot {
  readonly status: { readonly name: string; readonly state: string; readonly pid: number; readonly uptimeS: number };
  readonly report: Report;
  /** Frames that wait before each node; undefined when the version of the run does not report them. */
  readonly queues: readonly { readonly node: string; readonly frames: number; readonly capacity: number }[] | undefined;
  /** The most recent profile of each sink. */
  readonly profiles: Readonly<Record<string, Profile>>;
  /** Time of the viewer. */
  readonly atMs: number;
}

export interface ViewLine {
  readonly text: string;
  readonly style?: 'strong' | 'faint' | 'alarm';
}

export interface ViewOptions {
  readonly columns: number;
  /** Whether the terminal has block characters. */
  readonly unicode: boolean;
  /** Frames received per second at the last updates, the newest last. */
  readonly history: readonly number[];
}

const BAR_CELLS = 10;

/** Frames received per second between two updates. */
export function receivedRate(now: Snapshot, before: Snapshot | undefined): number {
  if (!before) return now.report.throughput.framesPerS;
  return perSecond(received(now) - received(before), now.atMs - before.atMs);
}

/** The whole view, one string per line; no line is wider than the terminal. */
export function runView(now: Snapshot, before: Snapshot | undefined, { columns, unicode, history }: ViewOptions): ViewLine[] {
  const { status, report } = now;
  const elapsedMs = before ? now.atMs - before.atMs : report.durationS * 1000;
  const rate = (count: number, countBefore: number | undefined): string =>
    formatCount(Math.round(perSecond(count - (countBefore ?? 0), elapsedMs)));
  const bytes = (snapshot: Snapshot): number => sum(Object.values(snapshot.report.sources).map((source) => source.bytes));
  const lines: ViewLine[] = [
    {
      text: `${status.name}  ${status.state}  pid ${status.pid}  ${formatDuration(status.uptimeS)}`,
      style: 'strong',
    },
    {
      text: `${formatCount(Math.round(receivedRate(now, before)))} frames/s  ${formatRate(perSecond(bytes(now) - (before ? bytes(before) : 0), elapsedMs))}`,
    },
  ];
  if (history.length > 1) lines.push({ text: sparkline(history.slice(-Math.max(10, columns - 1)), unicode) });
  const section = (head: readonly string[], rows: readonly (readonly string[])[]): void => {
    const [titles, , ...body] = table(
      head,
      rows.map((row) => row.map(printable)),
    );
    lines.push({ text: '' }, { text: titles!, style: 'faint' }, ...body.map((text) => ({ text })));
  };
  section(
    ['source', 'frames/s', 'received', 'delivered', 'merged', 'filtered', 'dropped', 'dead', 'in flight', 'numbers'],
    Object.entries(report.sources).map(([name, { ledger, verdict }]) => [
      name,
      rate(ledger.received, before?.report.sources[name]?.ledger.received),
      ...[
        ledger.received,
        ledger.delivered,
        ledger.merged,
        ledger.filtered,
        total(ledger.dropped),
        total(ledger.dead),
        ledger.inFlight,
      ].map(formatCount),
      verdict.state,
    ]),
  );
  const queue = (node: string): string => {
    const known = now.queues?.find((one) => one.node === node);
    return known ? `${formatCount(known.frames)}/${formatCount(known.capacity)}` : '-';
  };
  if (Object.keys(report.stages).length > 0)
    section(
      ['stage', 'frames/s', 'queue', 'busy', 'restarts', 'lost'],
      Object.entries(report.stages).map(([name, stage]) => {
        const busy = busyNow(now, before, name);
        return [
          name,
          rate(stage.frames, before?.report.stages[name]?.frames),
          queue(name),
          `${`${Math.round(busy * 100)} %`.padStart(5)} ${bar(busy, BAR_CELLS, unicode)}`,
          formatCount(stage.restarts),
          formatCount(stage.lost),
        ];
      }),
    );
  section(
    ['sink', 'frames/s', 'queue', 'delivered', 'dropped', 'refused', 'outage', 'p50', 'p99'],
    Object.entries(report.sinks).map(([name, sink]) => [
      name,
      rate(sink.delivered, before?.report.sinks[name]?.delivered),
      queue(name),
      formatCount(sink.delivered),
      formatCount(sum(Object.values(sink.ledgers).map(({ dropped }) => total(dropped)))),
      formatCount(sink.refused),
      sink.outageMs > 0 ? formatDuration(sink.outageMs / 1000) : '-',
      ...(sink.delivered > 0 ? [sink.latencyUs.p50, sink.latencyUs.p99].map((us) => formatDuration(us / 1e6)) : ['-', '-']),
    ]),
  );
  for (const [sink, { frame, column, items, values }] of Object.entries(now.profiles)) {
    const what = `${column === undefined ? '' : `${column}, `}${items} items`;
    lines.push({ text: '' }, { text: `${sink}: frame ${frame}, ${what}`, style: 'faint' });
    lines.push({ text: sparkline(fitted(values, columns - 1), unicode) });
  }
  const notes = [...notesOf(report)];
  if (notes.length > 0) lines.push({ text: '' }, ...notes);
  return lines.map(({ text, style }) => ({ text: cut(printable(text), columns), ...(style ? { style } : {}) }));
}

/** Losses and their reasons, one line per source. */
function* notesOf({ sources, error }: Report): Generator<ViewLine> {
  if (error) yield { text: `error: ${error.message} [${error.code}]`, style: 'alarm' };
  for (const [name, { ledger }] of Object.entries(sources)) {
    for (const [what, counts] of [
      ['dropped', ledger.dropped],
      ['dead', ledger.dead],
    ] as const) {
      const reasons = Object.entries(counts).filter(([, count]) => count > 0);
      if (reasons.length === 0) continue;
      yield { text: `${name}: ${what} ${reasons.map(([reason, count]) => `${formatCount(count)} ${reason}`).join(', ')}`, style: 'alarm' };
    }
  }
}

/** Share of the time since the last update; a report has the share since the start. */
function busyNow(now: Snapshot, before: Snapshot | undefined, stage: string): number {
  const share = now.report.stages[stage]?.busy ?? 0;
  const earlier = before?.report.stages[stage]?.busy;
  const seconds = now.report.durationS - (before?.report.durationS ?? 0);
  if (earlier === undefined || !(seconds > 0)) return share;
  const busyS = share * now.report.durationS - earlier * before!.report.durationS;
  return Math.min(1, Math.max(0, busyS / seconds));
}

/** Reduces the values to this number by taking the maximum of neighbours, so that a narrow peak stays visible. */
function fitted(values: readonly (number | null)[], most: number): number[] {
  const count = Math.max(1, Math.min(most, values.length));
  return Array.from({ length: count }, (_, place) => {
    const part = values.slice(Math.floor((place * values.length) / count), Math.floor(((place + 1) * values.length) / count));
    const finite = part.filter((value) => value !== null);
    return finite.length > 0 ? Math.max(...finite) : Number.NaN;
  });
}

const received = ({ report }: Snapshot): number => sum(Object.values(report.sources).map(({ ledger }) => ledger.received));
const perSecond = (count: number, elapsedMs: number): number => (elapsedMs > 0 ? Math.max(0, (count * 1000) / elapsedMs) : 0);
const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);
const total = (counts: Readonly<Record<string, number>>): number => sum(Object.values(counts));

/**
 * Cuts to this width, between words so that no number loses digits; only a first word that is too long is cut itself.
 */
function cut(text: string, columns: number): string {
  const characters = [...text];
  if (characters.length <= columns) return text;
  const kept = characters.slice(0, Math.max(0, columns - 2)).join('');
  const atWord = characters[columns - 2] === ' ' ? kept : kept.replace(/\S+$/, '') || kept;
  return `${atWord.trimEnd()} …`.slice(0, columns);
}
