import { damageOfSlot } from '../agents/thread/guarded-ring.js';
import type { ArenaViews } from '../frame/arena-views.js';
import { isIntact } from '../frame/guard-bytes.js';
import type { Plan } from '../plan/plan-types.js';

/** Describes the regions of the arena with bytes written beyond their end. Empty for a plan without `guards`. */
export function guardDamage(arena: ArenaViews, plan: Plan): string[] {
  if (!plan.guards) return [];
  const damage = plan.guards
    .filter((at) => !isIntact(arena.bytes, at))
    .map((at) => `the region that ends at byte ${at} was written beyond its end`);
  for (let slot = 0; slot < plan.slots; slot++) {
    const found = damageOfSlot(arena, plan, slot);
    if (found) damage.push(found);
  }
  return damage;
}
