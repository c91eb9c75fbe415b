import { MillraceError } from '../../errors/errors.js';
import type { ArenaViews } from '../../frame/arena-views.js';
import { guardOfHeader, guardOfPayload, isIntact } from '../../frame/guard-bytes.js';
import { SLOT } from '../../frame/slot-layout.js';
import type { Plan } from '../../plan/plan-types.js';
import { EMPTY, LINE, SLOT_MASK } from '../../ring/ring-layout.js';
import type { RingOperations } from '../../ring/ring-operations.js';

/** Says that memory behind a slot was overwritten; undefined for an intact one. */
export function damageOfSlot(arena: ArenaViews, plan: Plan, slot: number): string | undefined {
  const header = plan.headers + slot * plan.stride;
  const { owner, maxDataBytes } = plan.pools.find((pool) => slot >= pool.firstSlot && slot < pool.firstSlot + pool.slots)!;
  if (!isIntact(arena.bytes, guardOfHeader(header))) return `the header of slot ${slot} of '${owner}' was written beyond its end`;
  const payload = arena.words[(header + SLOT.payload) >>> 2]! >>> 0;
  return isIntact(arena.bytes, guardOfPayload(payload, maxDataBytes))
    ? undefined
    : `slot ${slot} of '${owner}', at byte ${payload}, was written beyond its end`;
}

/**
 * The ring operations of a plan with `guards`: slots that a thread passes on or returns must be intact, or the call
 * throws.
 */
export function guardedRing(ring: RingOperations, arena: ArenaViews, plan: Plan, line: number): RingOperations {
  const check = (reference: number): void => {
    for (let slot = reference & SLOT_MASK; slot !== EMPTY; ) {
      const damage = damageOfSlot(arena, plan, slot);
      if (damage) throw new MillraceError('ERR_STATE', damage);
      slot = arena.words[(plan.headers + slot * plan.stride + SLOT.next) >>> 2]!;
    }
  };
  const word = (address: number): number => arena.words[(line + address) >>> 2]!;
  const checkOutputs = (count: number): void => {
    for (let i = 0; i < count; i++) check(word(LINE.outputReferences + 8 * i));
  };
  return {
    ...ring,
    release(reference) {
      check(reference);
      return ring.release(reference);
    },
    commit(inputs, outputs, ...rest) {
      for (let i = 0; i < inputs; i++) check(word(LINE.inputReferences + 4 * i));
      checkOutputs(outputs);
      return ring.commit(inputs, outputs, ...rest);
    },
    commitFrame(source, leaves, outputs, ...rest) {
      checkOutputs(outputs);
      return ring.commitFrame(source, leaves, outputs, ...rest);
    },
  };
}
