import { LINE } from '../../src/ring/ring-layout.js';
import type { RingOperations } from '../../src/ring/ring-operations.js';
import { type Bench, check, isSlow } from '../support/bench.js';
import { attachRing, smallArena } from '../support/small-arena.js';

const ROW = 'guard-cost';
const FRAME_BYTES = 64;
const SLOTS = 64;
/** At most so many times the cost of the bare ring. */
const ALLOWED = 3;

/** A push and a pop in one thread: through the gate and with place words, as everything that crosses threads, against the ring alone. */
export const guardCost: Bench = {
  name: 'guard-cost',
  async run({ repeats, scale }) {
    const rounds = Math.ceil(1_000_000 * scale);
    const arena = await smallArena(FRAME_BYTES, SLOTS);
    const ring: RingOperations = attachRing(arena, 0);
    const words = new Int32Array(arena.memory.buffer);
    const edge = arena.plan.edges[0]!.ring;
    const batch = (arena.plan.threads[0]!.line + LINE.batch) >>> 2;
    const slot = ring.claim(arena.plan.pools[0]!.ring);
    const guarded = (): void => {
      for (let i = 0; i < rounds; i++) {
        words[batch] = slot;
        ring.pushN(edge, 1);
        if (ring.take(edge, 0) !== slot) check(false, 'another slot came back');
      }
    };
    const bare = (): void => {
      for (let i = 0; i < rounds; i++) {
        ring.barePush(edge, slot);
        if (ring.barePop(edge) !== slot) check(false, 'another slot came back');
      }
    };
    const ns = (run: () => void): number => {
      const startMs = performance.now();
      run();
      return ((performance.now() - startMs) * 1e6) / rounds;
    };
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let repetition = -2; repetition < repeats; repetition++) {
      const cost = ns(guarded) + (isSlow(ROW) ? ns(guarded) : 0);
      const reference = ns(bare);
      if (repetition < 0) continue;
      ours.push(cost);
      theirs.push(reference);
    }
    return [
      {
        row: ROW,
        measured: { name: 'guarded push and pop', unit: 'ns', values: ours },
        reference: { name: 'bare', unit: 'ns', values: theirs },
        ratios: ours.map((value, i) => (ALLOWED * theirs[i]!) / value),
        ratio: `${ALLOWED} times the bare cost to ours`,
        bar: 1,
      },
    ];
  },
};
