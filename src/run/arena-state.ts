import type { ArenaViews } from '../frame/arena-views.js';
import type { Plan } from '../plan/plan-types.js';
import { CONTROL, LINE, RING } from '../ring/ring-layout.js';
import type { Counters } from './counters.js';

/**
 * Describes a run that makes no progress: gate, edges, pools and threads, one line each. An unsynchronised snapshot for
 * debugging.
 */
export function arenaState({ words }: ArenaViews, plan: Plan, counters: Counters): string[] {
  const word = (address: number): number => words[address >>> 2]!;
  const waiting = (ring: number): number => (word(ring + RING.tail) - word(ring + RING.head)) | 0;
  return [
    `gate ${word(CONTROL.gate)}, phase ${word(CONTROL.phase)}`,
    ...plan.sources.map((source) => `source '${source.name}': ${JSON.stringify(counters.ledger(source))}`),
    ...plan.edges.map(
      (edge) =>
        `edge ${edge.number} into '${edge.node}' (${edge.kind}, ${edge.overflow}): ${counters.depth(edge)} waiting of ${edge.limit}, lane ${waiting(edge.lane)}${word(edge.ring + RING.closed) ? ', closed' : ''}`,
    ),
    ...plan.pools.map((pool) => `pool of '${pool.owner}': ${waiting(pool.ring)} of ${pool.slots} slots free`),
    ...plan.threads.map(({ node, index, line }) => {
      const record = word(line + LINE.record);
      const since = word(line + LINE.sinceMs);
      const done = record & 1 ? `committed ${word(line + LINE.inputs)} inputs, ${word(line + LINE.outputs)} outputs` : 'no record';
      return `thread ${index} of '${node}': ${word(line + LINE.busy) ? 'in a call' : 'outside'}, ${done}${since ? `, at a frame since ${since} ms` : ''}`;
    }),
  ];
}
