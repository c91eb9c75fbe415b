import { recordsOf } from '../frame/parcel-layout.js';
import { powerOfTwo } from '../memory/power-of-two.js';
import { BELL, ENTRY, LEAF_OUTCOMES, SOURCE, VIEWS } from '../ring/ring-layout.js';
import type { Draft } from './draft.js';
import type { Ground } from './ground.js';
import { BUILT_IN } from './load-connectors.js';
import type { SourceNode } from './plan-types.js';
import { keysBehind, routesFrom } from './routes-from.js';
import { SERIES_TABLE } from './series-table.js';
import { countedSinks, headlineLeaves, sinkLeaves } from './sink-leaves.js';

/** Entries of dropped frames wait behind a frame that is still in work. With this many, a slow operator does not stop the source. */
const MIN_TABLE_ENTRIES = 65536;
/** The entry of a parcel has room for each of its records, so fewer entries do. */
const MIN_PARCEL_ENTRIES = 1024;

/** Each source with its ledger, settlement table and table of series. */
export function placeSources(ground: Ground): { sources: SourceNode[]; blocks: number } {
  const names = Object.keys(ground.draft.spec.sources);
  const blocks = ground.space.take(SOURCE.bytes * names.length);
  const sources = names.map((name, index) => placeSource(ground, name, index, blocks + index * SOURCE.bytes));
  return { sources, blocks };
}

function placeSource({ draft, space, threadsOf }: Ground, name: string, index: number, block: number): SourceNode {
  const { spec } = draft;
  const routes = draft.routes[index]!;
  const known = draft.input.get(name)!;
  const { parcel } = spec.sources[name]!;
  const tableEntries = powerOfTwo(Math.max(parcel ? MIN_PARCEL_ENTRIES : MIN_TABLE_ENTRIES, leastEntries(draft)));
  const maxRecords = parcel ? recordsOf(parcel.bytes) : 0;
  const outcomeStride = LEAF_OUTCOMES + routes.paths.length * maxRecords;
  const sinks = sinkLeaves(spec, routes);
  const outcomes = parcel || sinks.length > 1 ? space.take(tableEntries * outcomeStride) : 0;
  const viewsBankBytes = VIEWS.counts + VIEWS.countBytes * sinks.length;
  const passesStage = (is: (stage: string) => boolean | undefined): boolean => routes.paths.some((path) => path.some(is));
  const loaded = draft.sources.get(name);
  return {
    name,
    modules: loaded?.modules ?? BUILT_IN,
    restarts: loaded?.restarts ?? false,
    index,
    thread: threadsOf.get(name)![0]!,
    block,
    bell: space.take(BELL.bytes),
    table: space.take(tableEntries * ENTRY.bytes),
    tableEntries,
    series: space.take(SERIES_TABLE.entries * SERIES_TABLE.entryBytes),
    flushes: passesStage((node) => draft.stages.get(node)?.flushes),
    leaves: routes.leaves,
    sinks,
    counted: countedSinks(spec, sinks),
    views:
      sinks.length > 1
        ? {
            address: space.take(VIEWS.banks + 2 * viewsBankBytes),
            bankBytes: viewsBankBytes,
            headline: headlineLeaves(spec, routes.leaves, sinks),
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
      byBlock: passesStage((node) => spec.stages[node]?.deterministic),
    },
  };
}

/** A settlement table has more entries than there are slots, and no fewer than a window. */
function leastEntries({ pools, edges }: Draft): number {
  const slots = [...pools.values()].reduce((sum, pool) => sum + pool.slots, 0);
  return Math.max(slots + 1, ...edges.map((edge) => (edge.kind === 'ordered' ? edge.limit : 1)));
}
