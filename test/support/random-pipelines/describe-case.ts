import { operatorPath } from '../run-pipeline.js';
import type { EdgeCase, RandomCase, SinkCase, SourceCase, StageCase } from './random-case.js';

export interface Named<T> {
  readonly name: string;
  readonly is: T;
}
export interface Linked<T> extends Named<T> {
  readonly from: readonly string[];
}

/** A case whose links lead somewhere: what it refers to by number has its name. */
export interface Resolved {
  readonly sources: readonly Named<SourceCase>[];
  readonly stages: readonly Linked<StageCase>[];
  readonly sinks: readonly Linked<SinkCase>[];
}

interface Node {
  readonly name: string;
  /** Numbers of the sources whose frames come out of it. */
  readonly roots: ReadonlySet<number>;
  readonly merged: boolean;
  /** Some frame comes to it by more than one way: nothing behind keeps its order. */
  readonly mixed: boolean;
}

const only = (roots: ReadonlySet<number>): number | undefined => (roots.size === 1 ? [...roots][0] : undefined);
/** Whether frames of one source come out of several of these nodes, or already came by several ways. */
const mixes = (from: readonly Node[]): boolean => {
  const roots = from.flatMap((node) => [...node.roots]);
  return from.some(({ mixed }) => mixed) || new Set(roots).size < roots.length;
};
const orderOf = (edge: EdgeCase, from: readonly Node[]): EdgeCase => (mixes(from) ? { ...edge, order: 'none' } : edge);
const unique = (names: readonly Node[]): Node[] => [...new Map(names.map((node) => [node.name, node])).values()];

/** Gives every link its node. A stage that cannot be where it is (a join with nothing to join) becomes one that works. */
export function resolveCase({ sources, stages, sinks }: RandomCase): Resolved {
  const nodes: Node[] = sources.map((_, i) => ({ name: `s${i}`, roots: new Set([i]), merged: false, mixed: false }));
  const read = new Set<string>();
  const hasParcels = ({ roots }: Node): boolean => [...roots].some((i) => sources[i]!.parcel);
  const open = (): Node[] => nodes.filter(({ merged }) => !merged);
  const pick = (of: readonly Node[], n: number): Node => of[n % of.length]!;

  const linked = stages.map((stage, i): Linked<StageCase> => {
    const at = stage.from.map((n) => pick(open(), n));
    let kind = stage.kind;
    let from = unique(at);
    if (kind === 'join-ordinal' || kind === 'join-frame') {
      const first = open().find((node) => only(node.roots) !== undefined && !hasParcels(node) && !node.mixed);
      const root = first && only(first.roots);
      const second =
        first &&
        open().findLast((node) => {
          const other = only(node.roots);
          if (node.name === first.name || other === undefined || hasParcels(node) || node.mixed) return false;
          // Numbers begin anew with each series, and a partner is one of the same series.
          const alike = sources[other]!.series === 0 && sources[root!]!.series === 0;
          return kind === 'join-ordinal' ? other === root : other !== root && alike;
        });
      if (first && second) from = [first, second];
      else kind = 'work';
    }
    // What aggregates takes the frames of a source by one way.
    if (kind === 'collect' || kind === 'merge') {
      if (mixes(from)) from = from.slice(0, 1);
      if (mixes(from)) kind = 'work';
    }
    for (const { name } of from) read.add(name);
    const joins = kind === 'join-ordinal' || kind === 'join-frame';
    const roots = joins ? from[0]!.roots : new Set(from.flatMap((node) => [...node.roots]));
    const node = { name: `w${i}`, roots, merged: kind === 'merge' || kind === 'collect', mixed: !joins && mixes(from) };
    nodes.push(node);
    const edge = joins ? ({ ...stage.edge, order: 'preserve' } as const) : orderOf(stage.edge, from);
    return { name: node.name, is: { ...stage, kind, edge }, from: from.map(({ name }) => name) };
  });

  const unread = nodes.filter(({ name }) => !read.has(name));
  const readers = sinks.map(({ from }, i) =>
    unique([...from.map((n) => pick(nodes, n)), ...unread.filter((_, at) => at % sinks.length === i)]),
  );
  const ends = sinks.map((sink, i): Linked<SinkCase> => {
    const from = readers[i]!;
    const kind = sink.kind === 'null' && from.some(({ merged }) => merged) ? 'iterate' : sink.kind;
    return { name: `k${i}`, is: { ...sink, kind, edge: orderOf(sink.edge, from) }, from: from.map(({ name }) => name) };
  });
  return { sources: sources.map((is, i) => ({ name: `s${i}`, is })), stages: linked, sinks: ends };
}

const edgeOf = ({ overflow, capacity, order }: EdgeCase): object => ({ overflow, capacity, order });

/** An operator stands behind the aggregate. */
export const isFollowed = ({ choice }: StageCase): boolean => choice === 'source' || choice === 'meta';

function operatorsOf(stage: StageCase): object[] {
  const { kind, salt, weights, every } = stage;
  const work = { type: operatorPath(kind === 'async' ? 'random-work-async' : 'random-work'), salt, weights };
  if (kind === 'merge' || kind === 'collect') {
    const aggregate = kind === 'merge' ? { type: operatorPath('random-merge'), every } : { type: operatorPath('random-collect') };
    // Behind it, in the same chain, what harms no result but makes the chain try again.
    const behind = { type: operatorPath('random-work'), salt, weights: { pass: 400, throwOnce: 400 } };
    return isFollowed(stage) ? [aggregate, behind] : [aggregate];
  }
  if (kind === 'join-ordinal') return [{ type: 'join', by: 'ordinal', as: 'list' }, work];
  if (kind === 'join-frame') return [{ type: 'join', by: 'frame', as: 'list', waitMs: 20_000 }, work];
  return [work];
}

function choiceOf({ kind, choice, workers }: StageCase): object {
  if (kind === 'merge') return { workers: 1 };
  if (kind === 'join-ordinal' || kind === 'join-frame') return { workers: 1 };
  if (kind === 'collect') return choice === 'deterministic' ? { workers, deterministic: true, shards: 4 } : { workers };
  if (choice === 'ordinal') return { workers, key: { ordinal: 3 } };
  if (choice === 'source') return { workers, key: 'source' };
  if (choice === 'meta') return { workers, key: { meta: 'key' } };
  return { workers };
}

export const STALL_MS = 1500;

/** The pipeline, as in a file. `folder`: where sinks of type `file` write. */
export function describeCase(random: RandomCase, folder: string): { readonly sinks: Readonly<Record<string, object>> } {
  const { sources, stages, sinks } = resolveCase(random);
  const parcel = (is: SourceCase): object => (is.parcel ? { parcel: { bytes: '4KiB', waitUs: 500 } } : {});
  const source = (is: SourceCase): object =>
    is.kind === 'push'
      ? { type: 'push', maxFrame: 64, shape: [1, 32], dtype: 'uint8', ...parcel(is) }
      : {
          type: 'sim',
          pattern: 'counter',
          shape: [1, 32],
          dtype: 'uint8',
          seed: 7,
          frames: is.frames,
          ...(is.rate > 0 ? { rate: is.rate } : {}),
          ...(is.series > 0 ? { series: is.series } : {}),
          ...parcel(is),
        };
  const sink = ({ is, name }: Linked<SinkCase>): object =>
    is.kind === 'file'
      ? { type: 'file', path: `${folder}/${name}.ndjson` }
      : { type: is.kind, ...(is.kind === 'null' ? { checksum: true } : {}) };
  return {
    version: 1,
    failOn: 'none',
    ...(random.end.kind === 'deadline' ? { drain: { deadlineMs: 40 } } : {}),
    sources: Object.fromEntries(sources.map(({ name, is }) => [name, source(is)])),
    stages: Object.fromEntries(
      stages.map(({ name, is, from }) => [
        name,
        { from, stallMs: STALL_MS, attempts: 2, ...choiceOf(is), operators: operatorsOf(is), ...edgeOf(is.edge) },
      ]),
    ),
    sinks: Object.fromEntries(sinks.map((one) => [one.name, { from: one.from, required: true, ...sink(one), ...edgeOf(one.is.edge) }])),
  } as { readonly sinks: Readonly<Record<string, object>> };
}
