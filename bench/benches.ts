import { slotLife } from './ring/slot-life.js';
import type { Bench } from './support/bench.js';

/** All benches, in the order in which they are shown. */
export const BENCHES: readonly Bench[] = [slotLife];
