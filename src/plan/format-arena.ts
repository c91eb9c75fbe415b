import { GUARD_BYTES, guardOfHeader, guardOfPayload, writeGuard } from '../frame/guard-bytes.js';
import { SLOT } from '../frame/slot-layout.js';
import { ARRAY, BELL, EMPTY, ENTRY, KIND, LEDGER, LINE, POLICY, RING, SOURCE, VIEWS } from '../ring/ring-layout.js';
import type { EdgePlan, Plan, PoolPlan } from './plan-types.js';

/** Writes the first state of everything that the plan laid out. The arena is zero before, and no thread runs yet. */
export function formatArena(memory: WebAssembly.Memory, plan: Plan): void {
  const words = new Int32Array(memory.buffer);
  const put = (address: number, value: number): void => {
    words[address >>> 2] = value;
  };
  const park = (thread: number): number => plan.threads[thread]!.line + LINE.park;
  const bell = (address: number, threads: readonly number[]): void => {
    for (const [bit, thread] of threads.slice(0, BELL.members).entries()) put(address + BELL.park + 4 * bit, park(thread));
  };
  for (const source of plan.sources) formatSource(put, plan, source.index, bell);
  for (const edge of plan.edges) formatEdge(put, plan, edge, bell);
  for (const pool of plan.pools) formatPool(put, plan, pool, bell);
  if (plan.guards) writeGuards(new Uint8Array(memory.buffer), plan, plan.guards);
}

type Put = (address: number, value: number) => void;
type Bell = (address: number, threads: readonly number[]) => void;

function formatSource(put: Put, plan: Plan, index: number, bell: Bell): void {
  const source = plan.sources[index]!;
  put(source.block + SOURCE.table, source.table);
  put(source.block + SOURCE.tableMask, source.tableEntries - 1);
  put(source.block + SOURCE.bell, source.bell);
  bell(source.bell, [source.thread]);
  if (source.parcel) {
    put(source.block + SOURCE.outcomes, source.parcel.outcomes);
    put(source.block + SOURCE.outcomeStride, source.parcel.outcomeStride);
    put(source.block + SOURCE.outcomeRecords, source.parcel.maxRecords);
  }
  if (source.views) {
    const { address, bankBytes, headline, outcomes, outcomeStride } = source.views;
    put(source.block + SOURCE.outcomes, outcomes);
    put(source.block + SOURCE.outcomeStride, outcomeStride);
    put(source.block + SOURCE.views, address);
    put(address + VIEWS.count, source.sinks.length);
    put(address + VIEWS.headline, headline);
    put(address + VIEWS.bankBytes, bankBytes);
    for (const [i, { leaves }] of source.sinks.entries()) put(address + VIEWS.masks + 4 * i, leaves);
    for (let bank = 0; bank < 2; bank++) put(address + VIEWS.banks + bank * bankBytes, plan.startOrdinal);
  }
  let ordered = 0;
  for (const edge of plan.edges) {
    const mask = edge.leaves[index]!.reduce((all, leaves) => all | leaves, 0);
    if (edge.kind !== 'ordered' || mask === 0) continue;
    put(source.block + SOURCE.orderedList + 8 * ordered, edge.itemBell);
    put(source.block + SOURCE.orderedList + 8 * ordered + 4, mask);
    ordered++;
  }
  put(source.block + SOURCE.ordered, ordered);
  for (let bank = 0; bank < 2; bank++) {
    put(source.block + SOURCE.banks + bank * SOURCE.bankBytes + 4 * LEDGER.given, plan.startOrdinal);
    put(source.block + SOURCE.banks + bank * SOURCE.bankBytes + 4 * LEDGER.low, plan.startOrdinal);
  }
  // An entry that was never opened belongs to an ordinal one table earlier: a reader waits.
  for (let i = 0; i < source.tableEntries; i++) {
    const ordinal = plan.startOrdinal + ((i - plan.startOrdinal) & (source.tableEntries - 1));
    put(source.table + i * ENTRY.bytes + ENTRY.ordinal, ordinal - source.tableEntries);
  }
}

function formatEdge(put: Put, plan: Plan, edge: EdgePlan, bell: Bell): void {
  const { ring } = edge;
  bell(edge.itemBell, edge.consumerThreads);
  bell(edge.spaceBell, edge.producerThreads);
  put(ring + RING.mask, edge.cells - 1);
  put(ring + RING.limit, edge.limit);
  put(ring + RING.edge, edge.number);
  put(ring + RING.itemBell, edge.itemBell);
  put(ring + RING.spaceBell, edge.spaceBell);
  put(ring + RING.kind, KIND[edge.kind]);
  put(ring + RING.leaves, edge.leafTable);
  put(ring + RING.policy, POLICY[edge.overflow]);
  put(ring + RING.every, edge.every);
  put(ring + RING.sources, plan.sources.length);
  put(ring + RING.arrayStride, edge.arrayStride);
  const [pool, other] = plan.pools.filter(({ owner }) => edge.reach.includes(owner));
  if (pool && !other) {
    put(ring + RING.firstSlot, pool.firstSlot);
    put(ring + RING.payloads, pool.payload);
    put(ring + RING.slotBytes, pool.slotBytes);
  }
  for (const [source, byBranch] of edge.leaves.entries()) {
    for (const [branch, leaves] of byBranch.entries()) put(edge.leafTable + 128 * source + 4 * branch, leaves);
  }
  formatLane(put, edge);
  if (edge.kind === 'fifo') formatCells(put, ring + RING.cells, edge.cells, 0);
  else {
    plan.sources.forEach((_, source) => {
      const array = ring + RING.cells + source * edge.arrayStride;
      put(array + ARRAY.next, plan.startOrdinal);
      put(
        array + ARRAY.leafMask,
        edge.leaves[source]!.reduce((all, leaves) => all | leaves, 0),
      );
      formatCells(put, array + ARRAY.cells, edge.cells, plan.startOrdinal);
    });
  }
}

/** References of dead threads, before the edge: a ring without a limit that blocks no thread. */
function formatLane(put: Put, edge: EdgePlan): void {
  const { lane } = edge;
  put(edge.ring + RING.lane, lane);
  put(lane + RING.mask, edge.laneCells - 1);
  put(lane + RING.limit, edge.laneCells);
  put(lane + RING.edge, edge.laneNumber);
  put(lane + RING.itemBell, edge.itemBell);
  put(lane + RING.spaceBell, edge.spaceBell);
  put(lane + RING.leaves, edge.leafTable);
  formatCells(put, lane + RING.cells, edge.laneCells, 0);
}

function formatCells(put: Put, cells: number, count: number, start: number): void {
  for (let i = 0; i < count; i++) {
    put(cells + 8 * i, start + ((i - start) & (count - 1)));
    put(cells + 8 * i + 4, EMPTY);
  }
}

function formatPool(put: Put, plan: Plan, pool: PoolPlan, bell: Bell): void {
  const { ring } = pool;
  bell(pool.bell, pool.threads);
  put(ring + RING.mask, pool.cells - 1);
  put(ring + RING.limit, pool.cells);
  put(ring + RING.itemBell, pool.bell);
  put(ring + RING.tail, pool.slots);
  formatCells(put, ring + RING.cells, pool.cells, 0);
  for (let i = 0; i < pool.slots; i++) {
    const slot = pool.firstSlot + i;
    const header = plan.headers + slot * plan.stride;
    put(header + SLOT.next, EMPTY);
    put(header + SLOT.pool, ring);
    put(header + SLOT.payload, pool.payload + i * pool.slotBytes);
    put(header + SLOT.capacity, pool.slotBytes - (plan.guards ? GUARD_BYTES : 0));
    put(ring + RING.cells + 8 * i + 4, slot);
  }
}

function writeGuards(bytes: Uint8Array, plan: Plan, guards: readonly number[]): void {
  for (const at of guards) writeGuard(bytes, at);
  for (const { firstSlot, slots, payload, slotBytes, maxDataBytes } of plan.pools) {
    for (let i = 0; i < slots; i++) {
      writeGuard(bytes, guardOfHeader(plan.headers + (firstSlot + i) * plan.stride));
      writeGuard(bytes, guardOfPayload(payload + i * slotBytes, maxDataBytes));
    }
  }
}
