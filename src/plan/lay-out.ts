import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { LETTER_STATS, type LetterPlan } from '../dead-letters/letter-box.js';
import { GUARD_BYTES } from '../frame/guard-bytes.js';
import { firstHeader, META_BYTES, slotStride } from '../frame/slot-layout.js';
import { AddressSpace } from '../memory/arena.js';
import { powerOfTwo } from '../memory/power-of-two.js';
import { HISTOGRAM_BYTES } from '../observe/histogram.js';
import { LATE, SINK_STATS } from '../observe/sink-stats.js';
import { BELL, CONTROL, LINE, RING } from '../ring/ring-layout.js';
import { specHash } from '../spec/spec-hash.js';
import type { Draft, PlanWithTables } from './draft.js';
import { type Ground, roundUp } from './ground.js';
import { BUILT_IN } from './load-connectors.js';
import { placeEdges } from './place-edges.js';
import { placeSources } from './place-sources.js';
import { type PlacedTable, placeStages } from './place-stages.js';
import type { PlanIssues } from './plan-issues.js';
import type { PoolPlan, SinkNode, ThreadPlan } from './plan-types.js';

/** Gives every part of a plan its place: `[control | lines | sources | rings | headers | constants | scratch | payloads]`. */
export function layOut(draft: Draft, issues: PlanIssues): Pick<PlanWithTables, 'plan' | 'tables' | 'stages'> {
  const gapBytes = draft.options.guards ? GUARD_BYTES : 0;
  const space = new AddressSpace(CONTROL.bytes, gapBytes);
  const { threads, threadsOf } = placeThreads(draft, space);
  const supervisor = { thread: threads.length, line: space.take(LINE.bytes) };
  const ground: Ground = { draft, issues, space, gapBytes, threads, threadsOf };
  const { sources, blocks } = placeSources(ground);
  const edges = placeEdges(ground);
  const pools = placePools(ground);
  const sinks = Object.keys(draft.spec.sinks).map((name) => placeSink(ground, name));
  const deadLetters = placeLetters(ground);
  const slots = pools.reduce((sum, pool) => sum + pool.slots, 0);
  const branches = Math.max(1, ...draft.routes.map((routes) => routes.paths.length));
  const stride = slotStride(branches) + gapBytes;
  const headers = space.take(slots * stride) + firstHeader(stride - gapBytes);
  const tables: PlacedTable[] = [];
  const stages = placeStages(ground, tables);
  const withPayloads: PoolPlan[] = pools.map((pool) => ({ ...pool, payload: space.take(pool.slots * pool.slotBytes, 4096) }));
  const plan = {
    bytes: space.end,
    stride,
    headers,
    slots,
    sourceBlocks: blocks,
    threads,
    supervisor,
    edges,
    pools: withPayloads,
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

/** One thread for each source, worker and sink, in this order. */
function placeThreads({ spec }: Draft, space: AddressSpace): Pick<Ground, 'threads' | 'threadsOf'> {
  const threads: ThreadPlan[] = [];
  const threadsOf = new Map<string, number[]>();
  const add = (node: string, count: number): void => {
    const own = Array.from({ length: count }, (_, index) => ({
      thread: threads.length + index,
      line: space.take(LINE.bytes),
      node,
      index,
    }));
    threads.push(...own);
    threadsOf.set(
      node,
      own.map(({ thread }) => thread),
    );
  };
  for (const name of Object.keys(spec.sources)) add(name, 1);
  for (const [name, stage] of Object.entries(spec.stages)) add(name, stage.workers);
  for (const name of Object.keys(spec.sinks)) add(name, 1);
  return { threads, threadsOf };
}

/** Pools with their rings; payloads come last in the arena. */
function placePools({ draft, space, gapBytes, threadsOf }: Ground): Omit<PoolPlan, 'payload'>[] {
  let firstSlot = 0;
  return [...draft.pools].map(([owner, { slots, maxDataBytes }]) => {
    const cells = powerOfTwo(slots);
    const pool = {
      owner,
      slots,
      firstSlot,
      slotBytes: roundUp(maxDataBytes, 64) + META_BYTES + gapBytes,
      maxDataBytes,
      cells,
      ring: space.take(RING.cells + 8 * cells),
      bell: space.take(BELL.bytes),
      threads: threadsOf.get(owner)!,
    };
    firstSlot += slots;
    return pool;
  });
}

function placeSink({ draft, space, threadsOf }: Ground, name: string): SinkNode {
  const batch = draft.batches.get(name)!;
  const maxRecords = draft.parcels.get(name)?.maxRecords ?? 0;
  const loaded = draft.sinks.get(name);
  return {
    name,
    modules: loaded?.modules ?? BUILT_IN,
    restarts: loaded?.restarts ?? false,
    promise: loaded?.promise ?? 'acknowledged',
    thread: threadsOf.get(name)![0]!,
    batch,
    holds: draft.holds.get(name)!,
    maxRecords,
    outcomes: space.take(batch * maxRecords),
    histogram: space.take(HISTOGRAM_BYTES),
    stats: space.take(SINK_STATS.bytes),
    late: space.take(LATE.bytes * draft.routes.length),
  };
}

function placeLetters({ draft: { spec }, space, threads }: Ground): LetterPlan | undefined {
  const { deadLetters } = spec;
  if (!deadLetters) return undefined;
  return {
    directory: resolve(spec.baseDir, deadLetters.directory),
    maxFiles: deadLetters.maxFiles,
    pipeline: spec.name,
    pipelineHash: specHash(spec),
    run: randomBytes(4).toString('hex'),
    files: space.take(LETTER_STATS.bytes),
    stats: space.take(LETTER_STATS.bytes * (threads.length + 1)),
  };
}
