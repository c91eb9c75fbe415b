import type { Ledger } from '../../../src/observe/report.js';
import { accounted } from '../run-pipeline.js';
import { type Leaf, Prediction } from './predict.js';
import type { EdgeCase, RandomCase } from './random-case.js';
import type { CaseRun, Row } from './run-case.js';

type Fault = (text: string) => void;
type Counts = Record<string, number>;

const sum = (counts: Readonly<Counts>): number => Object.values(counts).reduce((all, n) => all + n, 0);
const countOf = (items: Iterable<string>): Counts => {
  const counts: Counts = {};
  for (const item of items) counts[item] = (counts[item] ?? 0) + 1;
  return counts;
};

const blocks = ({ overflow }: EdgeCase): boolean => overflow === 'block';
const CLASSES = ['delivered', 'merged', 'filtered'];

/**
 * Compares what the sinks got, by number and checksum, with the ledger, with how each frame ended, and with what should become
 * of each by the description. What is wrong, in words. Nothing here reads the arena: the ledger is the only thing believed.
 */
export function faultsOf(random: RandomCase, run: CaseRun): string[] {
  const faults: string[] = [];
  const fault: Fault = (text) => void (faults.length < 20 && faults.push(text));
  const check = new RunCheck(random, run, fault);
  check.report();
  for (const { name } of run.resolved.sinks) check.sink(name);
  for (const { name } of run.resolved.sources) check.source(name);
  for (const { name } of run.resolved.stages) check.aggregates(name);
  return faults;
}

class RunCheck {
  readonly #random: RandomCase;
  readonly #run: CaseRun;
  readonly #fault: Fault;
  readonly #prediction: Prediction;
  /** By sink and source: how often each number came as a frame, and in results. */
  readonly #frames = new Map<string, Map<number, number>>();
  readonly #merged = new Map<string, Map<number, number>>();
  /** It came to its end by itself, or by a stop that delivers what was received. */
  readonly #isWhole: boolean;

  constructor(random: RandomCase, run: CaseRun, fault: Fault) {
    this.#random = random;
    this.#run = run;
    this.#fault = fault;
    this.#prediction = new Prediction(run.resolved);
    this.#isWhole = run.report.error === undefined;
    for (const [sink, rows] of Object.entries(run.rows)) for (const row of rows) this.#note(sink, row);
  }

  #note(sink: string, { source, numbers, merged }: Row): void {
    const all = merged ? this.#merged : this.#frames;
    const key = `${sink} ${source}`;
    const counts = all.get(key) ?? new Map<number, number>();
    all.set(key, counts);
    for (const number of numbers) counts.set(number, (counts.get(number) ?? 0) + 1);
  }

  #got(sink: string, source: string, number: number): { frames: number; merged: number } {
    const key = `${sink} ${source}`;
    return { frames: this.#frames.get(key)?.get(number) ?? 0, merged: this.#merged.get(key)?.get(number) ?? 0 };
  }

  report(): void {
    const { report, damage, lines } = this.#run;
    for (const text of damage) this.#fault(text);
    if (!report.balanced) this.#fault('the ledger is not balanced');
    const { kind } = this.#random.end;
    const code = report.error?.code;
    const allowed: Readonly<Record<string, readonly (string | undefined)[]>> = {
      abort: [undefined, 'ERR_CLOSED'],
      deadline: [undefined, 'ERR_DRAIN_DEADLINE'],
      // Which of the threads behind it notices first is a matter of time.
      'sink-failure': [undefined, 'ERR_SINK', 'ERR_WORKER'],
    };
    if (!(allowed[kind] ?? [undefined]).includes(code)) this.#fault(`the run ended with ${code}: ${report.error?.message}`);
    for (const { message } of lines) if (message.includes('does not add up')) this.#fault(`the log says: ${message}`);
  }

  sink(name: string): void {
    const { rows, report, resolved, ended } = this.#run;
    const { is } = resolved.sinks.find((one) => one.name === name)!;
    const { delivered } = report.sinks[name]!;
    const mine = rows[name]!;
    const repeats = is.kind === 'file' && ended.has('sink');
    if (is.kind === 'null') return;
    if (this.#isWhole && !repeats && mine.length !== delivered)
      this.#fault(`'${name}' got ${mine.length} frames, and the report says ${delivered}`);
    if (mine.length < delivered) this.#fault(`'${name}' got ${mine.length} frames, fewer than the ${delivered} of the report`);
    for (const { intact, source, numbers } of mine) if (!intact) this.#fault(`'${name}' got a corrupt frame of '${source}': ${numbers}`);
    for (const { name: source, is: sourceCase } of resolved.sources) {
      for (const kind of ['frames', 'merged'] as const)
        for (const [number, times] of (kind === 'frames' ? this.#frames : this.#merged).get(`${name} ${source}`) ?? []) {
          const most = number < sourceCase.frames ? this.#prediction.at(name, source, number)[kind] : 0;
          if (times > most && !(repeats && most > 0))
            this.#fault(`'${name}' got number ${number} of '${source}' ${times} times (${kind}), and ${most} are possible`);
        }
    }
    if (is.edge.order === 'preserve' && !repeats) this.#checkOrder(name, mine);
  }

  #checkOrder(sink: string, rows: readonly Row[]): void {
    const last: Counts = {};
    for (const { source, ordinal } of rows) {
      if (ordinal < (last[source] ?? 0)) this.#fault(`'${sink}' got ordinal ${ordinal} of '${source}' behind ${last[source]}`);
      last[source] = ordinal;
    }
  }

  source(name: string): void {
    const { report, resolved } = this.#run;
    const { is } = resolved.sources.find((one) => one.name === name)!;
    const { ledger } = report.sources[name]!;
    if (accounted(ledger) !== ledger.received) this.#fault(`'${name}': ${JSON.stringify(ledger)} does not close`);
    if (this.#isWhole && ledger.inFlight > 0) this.#fault(`'${name}': ${ledger.inFlight} in flight at the end`);
    if (this.#random.end.kind === 'natural' && ledger.received !== is.frames)
      this.#fault(`'${name}': ${ledger.received} received, and ${is.frames} were sent`);
    // Large results of a parcel of many small records may need more room than there is: then these records are dead.
    const overflowed = is.parcel && (ledger.dead['operator-output'] ?? 0) > 0;
    if (this.#isExact() && !overflowed) this.#checkExactly(name, ledger);
    if (!is.parcel && is.series === 0) this.#checkEach(name, ledger);
  }

  /** Nothing is lost but what operators throw at: then each count is known. */
  #isExact(): boolean {
    const { resolved, killed } = this.#run;
    const edges = [...resolved.stages, ...resolved.sinks].every(({ is }) => blocks(is.edge));
    const dies = resolved.stages.some(({ is }) => (is.weights.exit ?? 0) + (is.weights.loop ?? 0) > 0);
    return this.#isWhole && edges && killed === 0 && !dies && this.#random.end.kind !== 'reader-leaves' && !this.#mayMissPartners;
  }

  /** A stop may end one source earlier than the other. */
  get #mayMissPartners(): boolean {
    return this.#random.end.kind !== 'natural' && this.#run.resolved.stages.some(({ is }) => is.kind === 'join-frame');
  }

  #checkExactly(source: string, ledger: Ledger): void {
    const expected = { handedOn: 0, filtered: 0, dead: 0, dropped: 0 };
    for (let number = 0; number < ledger.received; number++) {
      expected[worst(this.#prediction.leaves(source, number))]++;
      this.#checkRows(source, number);
    }
    const found = {
      handedOn: ledger.delivered + ledger.merged,
      filtered: ledger.filtered,
      dead: sum(ledger.dead),
      dropped: sum(ledger.dropped),
    };
    for (const key of ['handedOn', 'filtered', 'dead', 'dropped'] as const)
      if (found[key] !== expected[key])
        this.#fault(`'${source}': ${key} ${found[key]}, and ${expected[key]} are right; ${JSON.stringify(ledger)}`);
  }

  /** Every sink has all that became of a frame. `except`: but for results. */
  #checkRows(source: string, number: number, exceptMerged = false): boolean {
    for (const { name, is } of this.#run.resolved.sinks) {
      if (is.kind === 'null') continue;
      const right = this.#prediction.at(name, source, number);
      const got = this.#got(name, source, number);
      if (got.frames < right.frames) this.#fault(`'${name}' got number ${number} of '${source}' ${got.frames} times of ${right.frames}`);
      // A result travels with the frame that completed it, and is dropped or refused with that.
      if (got.merged < right.merged && blocks(is.edge) && !this.#run.report.sinks[name]!.refused) {
        if (exceptMerged) return false;
        this.#fault(`number ${number} of '${source}' is in results at '${name}' ${got.merged} times of ${right.merged}`);
      }
    }
    return true;
  }

  /** The report sums what the results of a stage say that they hold, and they hold as many different numbers. */
  aggregates(stage: string): void {
    const { report, resolved, rows, ended } = this.#run;
    const { aggregates } = report.stages[stage]!;
    const reader = resolved.sinks.find(({ from, is }) => from.length === 1 && from[0] === stage && is.kind !== 'null' && blocks(is.edge));
    const isTold = this.#isWhole && this.#random.end.kind !== 'reader-leaves' && !ended.has('sink');
    if (!aggregates || !reader || !isTold) return;
    const results = rows[reader.name]!;
    const frames = results.reduce((all, row) => all + row.frames, 0);
    const inside = results.reduce((all, { numbers }) => all + new Set(numbers).size, 0);
    if (aggregates.results !== results.length)
      this.#fault(`'${stage}': ${results.length} results came, and ${aggregates.results} were handed on`);
    if (aggregates.frames !== frames)
      this.#fault(`'${stage}': results say that they hold ${frames} frames, and the report says ${aggregates.frames}`);
    if (frames < inside) this.#fault(`'${stage}': results say that they hold ${frames} frames, and hold ${inside} different ones`);
  }

  /** How each frame ended fits what the sinks got and what its operators do. */
  #checkEach(source: string, ledger: Ledger): void {
    const outcomes = this.#run.outcomes[source]!.slice(0, ledger.received);
    const lost = ledger.dead['partial-lost'] ?? 0;
    // A frame that was delivered on another branch counts as that, and only the stage says that its result was lost.
    const inNoResult = Object.values(this.#run.report.stages).reduce((all, { aggregates }) => all + (aggregates?.lost ?? 0), 0);
    let missing = 0;
    for (const [number, outcome] of outcomes.entries()) {
      const leaves = this.#prediction.leaves(source, number);
      if (outcome === undefined) {
        if (this.#isWhole) this.#fault(`number ${number} of '${source}' has no end`);
        continue;
      }
      if (CLASSES.includes(outcome)) {
        if (!this.#isWhole) continue;
        if (!this.#checkRows(source, number, inNoResult > 0)) missing++;
        const right = worst(leaves);
        if ((outcome === 'filtered' ? 'filtered' : 'handedOn') !== right)
          this.#fault(`number ${number} of '${source}' is ${outcome}, and not ${right}`);
      } else this.#checkReason(source, number, outcome, leaves);
    }
    // An outcome is of the ordinal; results that were lost are counted beside it.
    if (missing > inNoResult) this.#fault(`'${source}': ${missing} frames are in no result, and ${inNoResult} are counted as lost`);
    if (!this.#isWhole) return;
    const counts = countOf(outcomes.map(String));
    for (const [outcome, count] of Object.entries(counts)) {
      const listed = {
        ...ledger.dropped,
        ...ledger.dead,
        delivered: ledger.delivered,
        merged: ledger.merged + lost,
        filtered: ledger.filtered,
      };
      if ((listed as Counts)[outcome] !== count)
        this.#fault(`'${source}': ${count} ended as ${outcome}, and the ledger says ${(listed as Counts)[outcome]}`);
    }
  }

  #checkReason(source: string, number: number, outcome: string, leaves: readonly Leaf[]): void {
    const { resolved, killed } = this.#run;
    const edges = [...resolved.stages, ...resolved.sinks].map(({ is }) => is.edge);
    const drops = (kind: string): boolean => edges.some(({ overflow }) => overflow === kind);
    const dies = killed > 0 || resolved.stages.some(({ is }) => (is.weights.exit ?? 0) + (is.weights.loop ?? 0) > 0);
    const lossy = dies || edges.some((edge) => !blocks(edge)) || this.#random.end.kind !== 'natural';
    const isRight =
      outcome === 'operator-failed'
        ? leaves.some(({ end }) => end === 'throw')
        : outcome === 'worker-lost'
          ? dies
          : outcome === 'unmatched'
            ? lossy || leaves.some(({ end }) => end === 'unmatched') || resolved.stages.some(({ is }) => is.kind === 'join-frame')
            : outcome === 'superseded'
              ? edges.some((edge) => !blocks(edge))
              : outcome === 'sampled'
                ? edges.some(({ overflow }) => typeof overflow === 'object')
                : outcome === 'sink-refused'
                  ? this.#random.end.kind === 'reader-leaves'
                  : drops(outcome);
    if (!isRight) this.#fault(`number ${number} of '${source}' ended as ${outcome}, and nothing here does that`);
  }
}

/** How a frame counts, by its worst leaf. */
function worst(leaves: readonly Leaf[]): 'handedOn' | 'filtered' | 'dead' | 'dropped' {
  if (leaves.some(({ end }) => end === 'throw' || end === 'die')) return 'dead';
  if (leaves.some(({ end }) => end === 'unmatched')) return 'dropped';
  return leaves.every(({ end }) => end === 'filtered') ? 'filtered' : 'handedOn';
}
