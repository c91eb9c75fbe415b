import { FAIL_ON, type FailOn } from './fail-on.js';
import type { Finding, Ledger, Report, SinkReport, SourceReport } from './report.js';

/** The parts of a report that determine the verdict. */
export type JudgedRun = Pick<Report, 'balanced' | 'error' | 'undelivered' | 'sources' | 'sinks'> & Partial<Pick<Report, 'stages'>>;

export interface Judgement {
  /** Findings that fail the run; empty: the run is done. */
  readonly failures: readonly Finding[];
  /** Findings that are reported but do not fail the run. */
  readonly remarks: readonly Finding[];
}

/** The first death at a node, with the message from its log. */
export interface FirstDeath {
  readonly node: string;
  readonly reason: string;
  readonly message: string;
}

export interface JudgeOptions {
  readonly failOn: readonly FailOn[];
  /** The run is over: frames still in flight will never be delivered. */
  readonly isOver: boolean;
  readonly firstDeaths?: readonly FirstDeath[];
}

const total = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0);
const frames = (n: number): string => `${n} ${n === 1 ? 'frame' : 'frames'}`;
const list = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .filter(([, n]) => n > 0)
    .map(([reason, n]) => `${n} ${reason}`)
    .join(', ');

/** The verdict of a run. Exit code, summary, report and metrics all follow from it. */
export function judge(run: JudgedRun, { failOn, isOver, firstDeaths = [] }: JudgeOptions): Judgement {
  const failures: Finding[] = [];
  const remarks: Finding[] = [];
  const add = (finding: Finding): void => {
    const isChosen = !(FAIL_ON as readonly string[]).includes(finding.kind) || failOn.includes(finding.kind as FailOn);
    (isChosen ? failures : remarks).push(finding);
  };
  if (run.error) failures.push({ kind: 'error', message: `${run.error.message} [${run.error.code}]` });
  for (const [node, source] of Object.entries(run.sources)) for (const finding of ofSource(node, source, isOver, firstDeaths)) add(finding);
  for (const [node, { endsGivenUp = 0 }] of Object.entries(run.stages ?? {})) if (endsGivenUp > 0) add(withoutEnds(node, endsGivenUp));
  for (const [node, sink] of Object.entries(run.sinks)) {
    const open = (isOver && run.undelivered?.[node]) || 0;
    // If the drain missed its deadline, the sum reports it already; a sink that is not required does not affect the
    // verdict.
    if (open > 0) (sink.required ? failures : remarks).push(undelivered(node, open));
    for (const finding of ofSink(node, sink)) (sink.required ? add : (one: Finding) => remarks.push(one))(finding);
  }
  if (!run.balanced) failures.push({ kind: 'unbalanced', message: 'a ledger does not balance: this is a bug in Millrace' });
  return { failures, remarks };
}

const withoutEnds = (node: string, count: number): Finding => ({
  kind: 'dead',
  node,
  count,
  message: `the operators of stage '${node}' missed ${count} ${count === 1 ? 'end' : 'ends'} of series, because too many workers crashed there`,
});

const undelivered = (node: string, count: number): Finding => ({
  kind: 'undelivered',
  node,
  count,
  message: `${frames(count)} ${count === 1 ? 'was' : 'were'} not delivered to '${node}'`,
});

function ofSource(
  node: string,
  { ledger, verdict, unreadable }: SourceReport,
  isOver: boolean,
  firstDeaths: readonly FirstDeath[],
): Finding[] {
  const findings: Finding[] = [];
  const { received, inFlight } = ledger;
  if (unreadable) {
    const { files, frames: parts, of, first } = unreadable;
    const what = [
      ...(files > 0 ? [`${files} of ${of} files`] : []),
      ...(parts > 0 ? [`${frames(parts)} in files that could be opened`] : []),
    ].join(' and ');
    const names = first.map(({ file, reason }) => `${file} (${reason})`).join(', ');
    const more = files + parts > first.length ? ` and ${files + parts - first.length} more` : '';
    findings.push({
      kind: 'unreadable',
      node,
      count: files + parts,
      message: `source '${node}' could not read ${what}: ${names}${more}`,
    });
  }
  // The ledger counts unreadable files as malformed; here they have their own line.
  const dead = withoutUnreadable(ledger, unreadable);
  if (total(dead) > 0) {
    const reasons = Object.entries(dead).flatMap(([reason, n]) => (n > 0 ? [reason] : []));
    const first = firstDeaths.find((one) => reasons.includes(one.reason));
    const where = first ? `; the first at '${first.node}': ${first.message}` : '';
    findings.push({
      kind: 'dead',
      node,
      count: total(dead),
      message: `${total(dead)} of ${frames(received)} from '${node}' died (${list(dead)})${where}`,
    });
  }
  if (total(ledger.dropped) > 0)
    findings.push({
      kind: 'dropped',
      node,
      count: total(ledger.dropped),
      message: `${total(ledger.dropped)} of ${frames(received)} from '${node}' were dropped (${list(ledger.dropped)})`,
    });
  if (verdict.state !== 'complete' && isOver)
    findings.push({ kind: verdict.state, node, message: `source '${node}' is ${verdict.state}${because(verdict)}` });
  if (isOver && inFlight > 0)
    findings.push({
      kind: 'in-flight',
      node,
      count: inFlight,
      message: `${frames(inFlight)} from '${node}' ${inFlight === 1 ? 'was' : 'were'} in flight when the run ended`,
    });
  return findings;
}

function ofSink(node: string, { undelivered: open, lost }: SinkReport): Finding[] {
  const findings: Finding[] = [];
  if (open && open.frames > 0)
    findings.push({
      kind: 'undelivered',
      node,
      count: open.frames,
      message: `${frames(open.frames)} ${open.frames === 1 ? 'was' : 'were'} still queued when sink '${node}' closed, and not delivered`,
    });
  if (lost && lost.frames > 0)
    findings.push({
      kind: 'dead',
      node,
      count: lost.frames,
      message: `sink '${node}' lost ${frames(lost.frames)} with a broken connection`,
    });
  return findings;
}

function withoutUnreadable({ dead }: Ledger, unreadable: SourceReport['unreadable']): Record<string, number> {
  const counts = { ...dead };
  // Frames that a sink lost or did not deliver have findings of their own, made where the ids are known.
  delete counts.lost;
  delete counts.undelivered;
  if (unreadable && counts.malformed !== undefined) counts.malformed = Math.max(0, counts.malformed - unreadable.files - unreadable.frames);
  return counts;
}

function because({ missing, reason }: SourceReport['verdict']): string {
  const count = (missing ?? []).reduce((sum, [first, last]) => sum + last - first + 1, 0);
  const parts = [...(count > 0 ? [`${count} numbers did not arrive`] : []), ...(reason ? [reason] : [])];
  return parts.length > 0 ? `: ${parts.join('; ')}` : '';
}
