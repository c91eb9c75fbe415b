import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { serialize } from 'node:v8';
import { LETTER_STATS, type LetterPlan } from '../dead-letters/letter-box.js';
import { MillraceError } from '../errors/errors.js';
import { dtypeOf, type TypedArray } from '../frame/dtype.js';
import { GUARD_BYTES } from '../frame/guard-bytes.js';
import { recordsOf } from '../frame/parcel-layout.js';
import { firstHeader, META_BYTES, slotStride } from '../frame/slot-layout.js';
import { AddressSpace } from '../memory/arena.js';
import { powerOfTwo } from '../memory/power-of-two.js';
import { HISTOGRAM_BYTES } from '../observe/histogram.js';
import { LATE, SINK_STATS } from '../observe/sink-stats.js';
import {
  ARRAY,
  BELL,
  CONTROL,
  ENTRY,
  LEAF_OUTCOMES,
  LINE,
  MAX_LEAVES,
  MAX_ORDERED_EDGES,
  RING,
  SOURCE,
  VIEWS,
} from '../ring/ring-layout.js';
import { isJoin } from '../spec/join-stage.js';
import { DEFAULTS, type StageSpec } from '../spec/spec.js';
import { specHash } from '../spec/spec-hash.js';
import { type Draft, type PlanWithTables, parcelSlots } from './draft.js';
import { heldBankBytes } from './held-frames.js';
import { stageHash } from './parameters-hash.js';
import { bankBytesOf, bookBytesOf } from './partial-books.js';
import type {
  ConstantPlan,
  EdgePlan,
  MetaKey,
  OperatorPlan,
  ParametersPlan,
  PartialPlan,
  PoolPlan,
  SinkNode,
  SourceNode,
  StageNode,
  ThreadPlan,
} from './plan-types.js';
import { constantBytes, type PreparedOperator } from './prepare-stage.js';
import { type EdgeChoice, leavesOver, type Route, routeKey } from './routes.js';
import { SERIES_TABLE } from './series-table.js';
import { countedSinks, headlineLeaves, sinkLeaves } from './sink-leaves.js';
import { STAGE_PARAMETERS } from './stage-parameters.js';

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Frames dropped behind one that is still under way keep their entries; with so many a slow operator does not stop the reading. */
const MIN_TABLE_ENTRIES = 65536;

const MIN_PARAMETER_BYTES = 16384;
/** A parcel's entry has room for each of its records: with fewer of them a table is as large as need be. */
const MIN_PARCEL_ENTRIES = 1024;

/** Gives every part of a plan its place: `[control | lines | sources | rings | headers | constants | scratch | payloads]`. */
export function layOut(draft: Draft): PlanWithTables {
  const { spec, routes } = draft;
  const gapBytes = draft.options.guards ? GUARD_BYTES : 0;
  const space = new AddressSpace(CONTROL.bytes, gapBytes);
  const sourceNames = Object.keys(spec.sources);

  const threads: ThreadPlan[] = [];
  const threadsOf = new Map<string, number[]>();
  const hire = (node: string, count: number): void => {
    const mine: number[] = [];
    for (let index = 0; index < count; index++) {
      mine.push(threads.length);
      threads.push({ thread: threads.length, line: space.take(LINE.bytes), node, index });
    }
    threadsOf.set(node, mine);
  };
  for (const name of sourceNames) hire(name, 1);
  for (const [name, stage] of Object.entries(spec.stages)) hire(name, stage.workers);
  for (const name of Object.keys(spec.sinks)) hire(name, 1);
  const supervisor = { thread: threads.length, line: space.take(LINE.bytes) };

  const totalSlots = [...draft.pools.values()].reduce((sum, pool) => sum + pool.slots, 0);
  const leastEntries = Math.max(totalSlots + 1, ...draft.edges.map((edge) => (edge.kind === 'ordered' ? edge.limit : 1)));
  const sourceBlocks = space.take(SOURCE.bytes * sourceNames.length);
  const sources: SourceNode[] = sourceNames.map((name, index) => {
    const known = draft.input.get(name)!;
    const { parcel } = spec.sources[name]!;
    const tableEntries = powerOfTwo(Math.max(parcel ? MIN_PARCEL_ENTRIES : MIN_TABLE_ENTRIES, leastEntries));
    const maxRecords = parcel ? recordsOf(parcel.bytes) : 0;
    const outcomeStride = LEAF_OUTCOMES + routes[index]!.paths.length * maxRecords;
    const sinks = sinkLeaves(spec, routes[index]!);
    const outcomes = parcel || sinks.length > 1 ? space.take(tableEntries * outcomeStride) : 0;
    const viewsBankBytes = VIEWS.counts + VIEWS.countBytes * sinks.length;
    return {
      name,
      index,
      thread: threadsOf.get(name)![0]!,
      block: sourceBlocks + index * SOURCE.bytes,
      bell: space.take(BELL.bytes),
      table: space.take(tableEntries * ENTRY.bytes),
      tableEntries,
      series: space.take(SERIES_TABLE.entries * SERIES_TABLE.entryBytes),
      flushes: routes[index]!.paths.some((path) => path.some((node) => draft.stages.get(node)?.flushes)),
      leaves: routes[index]!.leaves,
      sinks,
      counted: countedSinks(spec, sinks),
      views:
        sinks.length > 1
          ? {
              address: space.take(VIEWS.banks + 2 * viewsBankBytes),
              bankBytes: viewsBankBytes,
              headline: headlineLeaves(spec, routes[index]!.leaves, sinks),
              outcomes,
              outcomeStride,
            }
          : undefined,
      routes: routesFrom(draft, index, name, 0),
      maxFrameBytes: known.maxBytes,
      shape: known.shape,
      dtype: known.dtype,
      lends: draft.lends.get(name)!,
      parcel: parcel && {
        ...parcel,
        maxRecords,
        outcomes,
        outcomeStride,
        keys: keysBehind(draft, name),
        byBlock: routes[index]!.paths.some((path) => path.some((node) => spec.stages[node]?.deterministic)),
      },
    };
  });

  const branches = Math.max(1, ...routes.map((route) => route.paths.length));
  const stride = slotStride(branches) + gapBytes;
  const itemBells = new Map<string, number>();
  const itemBell = (node: string, threads: readonly number[]): number => {
    const key = `${node} ${threads}`;
    const bell = itemBells.get(key) ?? space.take(BELL.bytes);
    itemBells.set(key, bell);
    return bell;
  };
  const edges: EdgePlan[] = draft.edges.map((edge, at) => {
    const reachable = edge.reach.reduce((sum, owner) => sum + draft.pools.get(owner)!.slots, 0);
    const cells = edge.kind === 'ordered' ? edge.limit : powerOfTwo(Math.max(edge.limit, reachable));
    const arrayStride = edge.kind === 'ordered' ? roundUp(ARRAY.cells + 8 * cells, 128) : 0;
    const { overflow } = edge.spec;
    const threadsOfNode = threadsOf.get(edge.node)!;
    const consumerThreads = edge.worker === undefined ? threadsOfNode : [threadsOfNode[edge.worker]!];
    return {
      number: at + 1,
      node: edge.node,
      input: edge.input,
      kind: edge.kind,
      overflow: overflow.kind,
      every: overflow.kind === 'sample' ? (overflow.n ?? 1) : 1,
      order: edge.spec.order,
      limit: edge.limit,
      cells,
      ring: space.take(RING.cells + (edge.kind === 'ordered' ? arrayStride * sourceNames.length : 8 * cells)),
      lane: space.take(RING.cells + 8 * powerOfTwo(reachable)),
      laneCells: powerOfTwo(reachable),
      laneNumber: draft.edges.length + at + 1,
      attempts: spec.stages[edge.node]?.attempts ?? DEFAULTS.attempts, // of a sink: how often its thread may die of a frame
      handsOn: spec.stages[edge.node] !== undefined && !(isJoin(spec.stages[edge.node]) && edge.input > 0),
      arrayStride,
      itemBell: itemBell(edge.node, consumerThreads),
      spaceBell: space.take(BELL.bytes),
      leafTable: space.take(4 * MAX_LEAVES * sourceNames.length),
      leaves: routes.map((route) => leavesOver(route, edge.node, edge.producers)),
      reach: edge.reach,
      producers: edge.producers,
      producerThreads: edge.producers.flatMap((from) => threadsOf.get(from)!),
      consumerThreads,
    };
  });

  for (const [index, name] of sourceNames.entries()) {
    const ordered = edges.filter(({ kind, leaves }) => kind === 'ordered' && leaves[index]!.some((mask) => mask !== 0)).length;
    if (ordered > MAX_ORDERED_EDGES) {
      const message = `frames of '${name}' reach ${ordered} nodes that keep order behind several producers, and at most ${MAX_ORDERED_EDGES} can be kept: set order: none on some`;
      throw new MillraceError('ERR_CONFIG_PROMISE', message, spec.sources[name]!.place ? { place: spec.sources[name]!.place } : {});
    }
  }

  let slots = 0;
  const bare = [...draft.pools].map(([owner, pool]) => {
    const cells = powerOfTwo(pool.slots);
    const made = {
      owner,
      slots: pool.slots,
      firstSlot: slots,
      slotBytes: roundUp(pool.maxDataBytes, 64) + META_BYTES + gapBytes,
      maxDataBytes: pool.maxDataBytes,
      cells,
      ring: space.take(RING.cells + 8 * cells),
      bell: space.take(BELL.bytes),
      threads: threadsOf.get(owner)!,
    };
    slots += pool.slots;
    return made;
  });
  const sinks: SinkNode[] = Object.keys(spec.sinks).map((name) => ({
    name,
    thread: threadsOf.get(name)![0]!,
    batch: draft.batches.get(name)!,
    holds: draft.holds.get(name)!,
    maxRecords: draft.parcels.get(name)?.maxRecords ?? 0,
    outcomes: space.take(draft.batches.get(name)! * (draft.parcels.get(name)?.maxRecords ?? 0)),
    histogram: space.take(HISTOGRAM_BYTES),
    stats: space.take(SINK_STATS.bytes),
    late: space.take(LATE.bytes * sourceNames.length),
  }));
  const deadLetters: LetterPlan | undefined = spec.deadLetters && {
    directory: resolve(spec.baseDir, spec.deadLetters.directory),
    maxFiles: spec.deadLetters.maxFiles,
    pipeline: spec.name,
    pipelineHash: specHash(spec),
    run: randomBytes(4).toString('hex'),
    files: space.take(LETTER_STATS.bytes),
    stats: space.take(LETTER_STATS.bytes * (threads.length + 1)),
  };
  const headers = space.take(slots * stride) + firstHeader(stride - gapBytes);

  const tables: { address: number; array: TypedArray }[] = [];
  const stages: StageNode[] = Object.entries(spec.stages).map(([name, stage]) => {
    const prepared = draft.stages.get(name)!;
    const mine = threadsOf.get(name)!;
    const lanes = prepared.mayBeAsync ? stage.concurrency : 1;
    const operators: OperatorPlan[] = prepared.operators.map((operator, at) => {
      const constants: Record<string, ConstantPlan> = {};
      const bankBytes =
        operator.maxConstantBytes === undefined ? 0 : Math.max(operator.maxConstantBytes, constantBytes(operator.constants));
      const banks = bankBytes > 0 ? [space.take(bankBytes, 64), space.take(bankBytes, 64)] : [];
      let inBank = banks[0];
      for (const [key, array] of Object.entries(operator.constants)) {
        const address = inBank ?? space.take(array.byteLength, 64);
        if (inBank !== undefined) inBank += roundUp(array.byteLength, 64);
        tables.push({ address, array });
        constants[key] = { address, dtype: dtypeOf(array), length: array.length };
      }
      const last = at === prepared.operators.length - 1;
      const frameBytes = roundUp(operator.maxOutputBytes, 64);
      const updates = operator.maxConstantBytes !== undefined;
      // The old operator may still be at a frame in one lane when the new one begins in another.
      // What aggregates takes no new parameters, so that the two never meet.
      const sources = operator.aggregates ? sourcesOf(draft, name) : [];
      const scratches = Math.max(1, sources.length, updates && lanes > 1 ? 2 : 1);
      const scratchStride = scratches > 1 ? roundUp(operator.scratchBytes, 64) : 0;
      return {
        ...operator,
        constants,
        banks,
        bankBytes,
        sources,
        scratch: mine.map(() => (operator.scratchBytes ? space.take(operator.scratchBytes + (scratches - 1) * scratchStride, 64) : 0)),
        scratchStride,
        trialScratch: updates && operator.scratchBytes ? space.take(operator.scratchBytes, 64) : 0,
        frames: mine.map(() => (last ? 0 : space.take(frameBytes * operator.maxOutputs * lanes, 64))),
        frameBytes,
      };
    });
    const next = routes.map((_, source) =>
      Array.from({ length: MAX_LEAVES }, (_, branch): readonly Route[] => routesFrom(draft, source, name, branch)),
    );
    const update = prepared.operators.some(({ maxConstantBytes }) => maxConstantBytes !== undefined)
      ? placeParameters(space, mine.length, prepared.operators)
      : undefined;
    const aggregates = partialPlans(draft, name, space);
    const merges = prepared.operators.some((operator) => operator.merges);
    const partials = merges && aggregates.length === 0 ? mine.map(() => space.take(2 * heldBankBytes(sourceNames.length))) : [];
    return {
      name,
      threads: mine,
      partials,
      aggregates,
      stallMs: stage.stallMs,
      setupMs: stage.setupMs,
      operators,
      parameters: stageHash(prepared.preparedWith.map(({ hash }) => hash)),
      update,
      maxOutputs: prepared.maxOutputs,
      parcelSlots: draft.parcels.has(name) ? parcelSlots(prepared.maxOutputs) : 0,
      maxRecords: draft.parcels.get(name)?.maxRecords ?? 0,
      outcomes: mine.map(() => space.take(draft.parcels.get(name)?.maxRecords ?? 0)),
      keys: draft.parcels.has(name) ? keysBehind(draft, name) : [],
      concurrency: lanes,
      attempts: stage.attempts,
      routes: next,
    };
  });
  const pools: PoolPlan[] = bare.map((pool) => ({ ...pool, payload: space.take(pool.slots * pool.slotBytes, 4096) }));
  const plan = {
    bytes: space.end,
    stride,
    headers,
    slots,
    sourceBlocks,
    threads,
    supervisor,
    edges,
    pools,
    sources,
    stages,
    sinks,
    deadLetters,
    startOrdinal: draft.options.startOrdinal ?? 0,
    poison: draft.options.poison ?? false,
    guards: draft.options.guards ? space.gaps : undefined,
  };
  return { plan, tables, stages: draft.stages };
}

/** Room for parameters four times as long as the first, and in any case for a list of some length. */
function placeParameters(space: AddressSpace, workers: number, operators: readonly PreparedOperator[]): ParametersPlan {
  const firstBytes = serialize(operators.map(({ params, prepared }) => ({ params, prepared }))).length;
  const bankBytes = roundUp(MIN_PARAMETER_BYTES + 4 * firstBytes, 64);
  return {
    block: space.take(roundUp(STAGE_PARAMETERS.worker + 4 * workers, 128)),
    banks: [space.take(bankBytes, 64), space.take(bankBytes, 64)],
    bankBytes,
  };
}

/** The sources whose frames a stage hands on, or keeps. What comes to another input of a join than the first ends there. */
function sourcesOf({ routes }: Draft, name: string): number[] {
  return routes.flatMap(({ paths }, source) => (paths.some((path) => path.slice(0, -1).includes(name)) ? [source] : []));
}

/** The stages behind a node that choose among workers by a key of the meta. */
function keysBehind({ spec }: Draft, node: string): MetaKey[] {
  const reached = new Set([node]);
  const keys: MetaKey[] = [];
  // A set takes what is added while it is gone through.
  for (const from of reached)
    for (const [name, stage] of Object.entries(spec.stages)) {
      if (reached.has(name) || !stage.from.includes(from)) continue;
      reached.add(name);
      if (stage.key?.kind === 'meta' && stage.workers > 1) keys.push({ name: stage.key.name, workers: stage.workers });
    }
  return keys;
}

/** The ways on from a node, with their edges. */
function routesFrom({ edges, spec, routes }: Draft, source: number, producer: string, branch: number): Route[] {
  const ways = routes[source]!.next.get(routeKey(producer, branch)) ?? [];
  const { parcel } = Object.values(spec.sources)[source]!;
  return ways.map((way) => ({
    ...way,
    choice: choiceOf(spec.stages[way.node], parcel !== undefined),
    edges: edges.flatMap(({ node, producers }, index) => (node === way.node && producers.includes(producer) ? [index] : [])),
  }));
}

/** The partials of a stage: as many for each source whose frames come, since each has ends of its own. */
function partialPlans(draft: Draft, name: string, space: AddressSpace): PartialPlan[] {
  const bytes = Math.max(0, ...draft.stages.get(name)!.operators.map(({ partialBytes }) => partialBytes));
  if (bytes === 0) return [];
  const stage = draft.spec.stages[name]!;
  const shards = stage.deterministic ? stage.shards : 0;
  const count = shards || stage.workers;
  const own = Math.ceil(count / stage.workers);
  return draft.routes.flatMap(({ paths }, source): PartialPlan[] => {
    // What comes to another input of a join than the first ends there.
    const coming = paths.filter((path) => path.slice(0, -1).includes(name));
    if (coming.length === 0) return [];
    const ways = new Set(coming.map((path) => path.slice(0, path.indexOf(name)).join('\n')));
    if (ways.size > 1) {
      // The end of a series would come as often, and each time what is held be merged.
      const message = `stage '${name}' aggregates by partials, and so can take the frames of a source by one way only, not by ${ways.size}: take from one, or join them`;
      throw new MillraceError('ERR_CONFIG_PROMISE', message, stage.place ? { place: stage.place } : {});
    }
    const parts = Array.from({ length: count }, () => space.take(bytes, 64));
    const books = Array.from({ length: stage.workers }, () => space.take(bookBytesOf(own), 64));
    const byBlock = Object.values(draft.spec.sources)[source]!.parcel !== undefined;
    return [{ source, shards, byBlock, bytes, parts, books, bankBytes: bankBytesOf(own) }];
  });
}

function choiceOf(stage: StageSpec | undefined, byBlock: boolean): EdgeChoice | undefined {
  return stage?.deterministic ? { kind: 'shard', shards: stage.shards, byBlock } : stage?.key;
}
