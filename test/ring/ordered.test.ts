import { describe, expect, it } from 'vitest';
import type { Attachment } from '../../src/agents/thread/attachment.js';
import { OUTCOME } from '../../src/observe/outcome.js';
import { EMPTY, LINE } from '../../src/ring/ring-layout.js';
import { RingBench, seeded } from '../support/arena.js';

const STARTS = { 0: 0, 'just below 2^31': 2 ** 31 - 7, 'just below 2^32': 2 ** 32 - 7 } as const;
const STEPS = 6000;

interface Hand {
  readonly thread: Attachment;
  /** What it works on, or waits with for its cell. */
  reference: number;
  waiting: boolean;
}

for (const [name, start] of Object.entries(STARTS)) {
  for (const policy of ['block', 'drop-newest', 'drop-oldest', 'latest'] as const) {
    for (const window of [1, 2, 8]) {
      it(`an ordered edge (${policy}, window ${window}) from ordinal ${name} gives rising ordinals, and accounts for every one`, async () => {
        const seed = window * 97 + policy.length;
        const random = seeded(seed);
        const bench = await RingBench.make({
          sinks: { out: { window, overflow: policy } },
          workers: 3,
          startOrdinal: start,
          startPosition: start,
          poison: true,
        });
        const edge = bench.edge('out');
        expect(edge.kind).toBe('ordered');
        const hands: Hand[] = [0, 1, 2].map((index) => ({ thread: bench.threadOf('work', index), reference: EMPTY, waiting: false }));
        const sink = bench.threadOf('out');
        const slots = bench.free('s').length;
        const age = (n: number): number => (n - start) >>> 0;
        let sent = 0;
        let blocked = false;
        const filtered = new Set<number>();
        const taken: number[] = [];
        const takeOne = (): boolean => {
          const reference = sink.ring.take(edge.ring, 0);
          if (reference === EMPTY) return false;
          taken.push(age(bench.ordinalOf(reference)));
          bench.finish(sink, 'out', reference, OUTCOME.delivered);
          return true;
        };
        const advance = (hand: Hand): void => {
          if (hand.waiting) {
            if (hand.thread.ring.resume(0) !== 1) return;
            hand.waiting = false;
            hand.reference = EMPTY;
          } else if (hand.reference === EMPTY) hand.reference = hand.thread.ring.take(bench.edge('work').ring, 0);
          else if (random(4) === 0) {
            filtered.add(age(bench.ordinalOf(hand.reference)));
            bench.finish(hand.thread, 'work', hand.reference, OUTCOME.filtered);
            hand.reference = EMPTY;
          } else {
            hand.waiting = bench.finish(hand.thread, 'work', hand.reference, 0, [[hand.reference, 'out']]) !== 1;
            if (!hand.waiting) hand.reference = EMPTY;
          }
        };
        const send = (): void => {
          if (blocked) blocked = bench.source.ring.resume(0) !== 1;
          else {
            const done = bench.send((start + sent) >>> 0);
            if (done === undefined) return;
            sent++;
            blocked = done === 0;
          }
        };
        for (let step = 0; step < STEPS; step++) {
          const what = random(10);
          if (what < 3) send();
          else if (what < 8) advance(hands[random(3)]!);
          else takeOne();
        }
        // Drain: nobody may be left waiting.
        for (let round = 0; round < 1000; round++) {
          if (blocked) send();
          for (const hand of hands) advance(hand);
          takeOne();
        }
        expect(blocked).toBe(false);
        expect(hands.every(({ reference, waiting }) => reference === EMPTY && !waiting)).toBe(true);
        expect(
          taken.every((n, i) => i === 0 || n > taken[i - 1]!),
          `seed ${seed}`,
        ).toBe(true);
        const ledger = bench.ledger();
        expect([ledger.received, ledger.inFlight]).toEqual([sent, 0]);
        expect(ledger.count(OUTCOME.delivered)).toBe(taken.length);
        expect(ledger.count(OUTCOME.filtered)).toBe(filtered.size);
        expect(taken.some((n) => filtered.has(n))).toBe(false);
        const dropped = (['drop-newest', 'drop-oldest', 'latest', 'superseded'] as const).map((code) => ledger.count(OUTCOME[code]));
        expect(taken.length + filtered.size + dropped.reduce((a, b) => a + b, 0)).toBe(sent);
        if (policy === 'block') expect(dropped).toEqual([0, 0, 0, 0]);
        else if (policy !== 'latest' || window > 1) expect(ledger.count(OUTCOME[policy])).toBeGreaterThan(0);
        expect(bench.free('s').length).toBe(slots);
      });
    }
  }
}

describe('an ordered edge', () => {
  it('holds what came early until the ordinals before it are settled, in whatever way', async () => {
    const bench = await RingBench.make({ sinks: { out: { window: 8 } }, workers: 4 });
    const out = bench.edge('out');
    const sink = bench.threadOf('out');
    const workers = [0, 1, 2, 3].map((index) => bench.threadOf('work', index));
    for (let n = 0; n < 4; n++) bench.send(n);
    const references = workers.map((worker) => worker.ring.take(bench.edge('work').ring, 0));
    const pass = (n: number): number => bench.finish(workers[n]!, 'work', references[n]!, 0, [[references[n]!, 'out']]);
    expect(pass(3)).toBe(1);
    expect(pass(1)).toBe(1);
    expect(sink.ring.take(out.ring, 0)).toBe(EMPTY);
    bench.finish(workers[0]!, 'work', references[0]!, OUTCOME.filtered);
    expect(bench.ordinalOf(sink.ring.take(out.ring, 0))).toBe(1);
    expect(sink.ring.take(out.ring, 0)).toBe(EMPTY);
    bench.finish(workers[2]!, 'work', references[2]!, OUTCOME['operator-failed']);
    expect(bench.ordinalOf(sink.ring.take(out.ring, 0))).toBe(3);
  });

  it('gives the newest of what waits, where that is the policy, and drops what comes after it as superseded', async () => {
    const bench = await RingBench.make({ sinks: { out: { window: 8, overflow: 'latest' } }, workers: 3 });
    const sink = bench.threadOf('out');
    const workers = [0, 1, 2].map((index) => bench.threadOf('work', index));
    for (let n = 0; n < 3; n++) bench.send(n);
    const references = workers.map((worker) => worker.ring.take(bench.edge('work').ring, 0));
    const pass = (n: number): number => bench.finish(workers[n]!, 'work', references[n]!, 0, [[references[n]!, 'out']]);
    pass(0);
    pass(2);
    const newest = sink.ring.take(bench.edge('out').ring, 0);
    expect(bench.ordinalOf(newest)).toBe(2);
    bench.finish(sink, 'out', newest, OUTCOME.delivered);
    expect(pass(1)).toBe(1);
    const ledger = bench.ledger();
    expect([ledger.count(OUTCOME.latest), ledger.count(OUTCOME.superseded), ledger.count(OUTCOME.delivered)]).toEqual([1, 1, 1]);
  });

  it('a settlement done again after its entry was given to another ordinal, it changes nothing', async () => {
    const bench = await RingBench.make({ sinks: { out: {} } });
    const entries = bench.plan.sources[0]!.tableEntries;
    const sink = bench.threadOf('out');
    for (let n = 0; n <= entries; n++) {
      bench.send(n);
      if (n === entries) break;
      bench.finish(sink, 'out', sink.ring.take(bench.edge('out').ring, 0), OUTCOME.delivered);
      if (n % 1000 === 0) bench.ledger();
    }
    const live = sink.ring.take(bench.edge('out').ring, 0);
    expect(bench.owed(entries)).toBe(1);
    bench.ledger();
    // The redo of ordinal 0, whose entry is now that of the table's length.
    const { line } = sink;
    for (const [i, word] of [0, 0, 1, OUTCOME['sink-refused']].entries()) bench.put(line + LINE.settleItems + 4 * i, word);
    sink.ring.commit(0, 0, 1, 0, 0);
    expect(bench.owed(entries)).toBe(1);
    bench.finish(sink, 'out', live, OUTCOME.delivered);
    const ledger = bench.ledger();
    expect([ledger.received, ledger.inFlight, ledger.count(OUTCOME.delivered), ledger.count(OUTCOME['sink-refused'])]).toEqual([
      entries + 1,
      0,
      entries + 1,
      0,
    ]);
  });
});

it('an ordered edge with drop-newest takes a frame when it is empty, although frames before it were dropped', async () => {
  const bench = await RingBench.make({ sinks: { out: { window: 2, overflow: 'drop-newest' } }, workers: 2 });
  const worker = bench.threadOf('work', 0);
  const sink = bench.threadOf('out');
  const { ring, cells, kind } = bench.edge('out');
  expect(kind).toBe('ordered');
  const handOn = (n: number): void => {
    bench.send(n);
    const reference = worker.ring.take(bench.edge('work').ring, 0);
    bench.finish(worker, 'work', reference, 0, [[reference, 'out']]);
  };
  /** Takes what fills the edge, and does not look for more: a consumer that does passes over what was dropped. */
  const takeFull = (): number[] =>
    Array.from({ length: cells }, () => {
      const reference = sink.ring.take(ring, 0);
      bench.finish(sink, 'out', reference, OUTCOME.delivered);
      return bench.ordinalOf(reference);
    });
  const first = Array.from({ length: cells }, (_, i) => i);
  for (let n = 0; n < cells + 3; n++) handOn(n);
  expect(takeFull()).toEqual(first);
  for (let n = cells + 3; n < 4 * cells; n++) handOn(n);
  expect(takeFull()).toEqual(first.map((n) => n + cells + 3));
});
