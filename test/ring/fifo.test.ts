import { describe, expect, it } from 'vitest';
import { SLOT } from '../../src/frame/slot-layout.js';
import { OUTCOME } from '../../src/observe/outcome.js';
import { CONTROL, EMPTY, GATE_CLOSED, LINE, RING, SLOT_MASK } from '../../src/ring/ring-layout.js';
import { RingBench, seeded } from '../support/arena.js';

const STARTS = { 0: 0, 'just below 2^31': 2 ** 31 - 3, 'just below 2^32': 2 ** 32 - 3 } as const;
const STEPS = 4000;

/** What each policy does with a list: the truth that the ring is held against. */
class ListModel {
  readonly items: number[] = [];
  readonly dropped: number[] = [];
  constructor(
    readonly policy: string,
    readonly limit: number,
  ) {}

  /** False when a blocking list is full. */
  push(n: number): boolean {
    if (this.items.length < this.limit) this.items.push(n);
    else if (this.policy === 'block') return false;
    else if (this.policy === 'drop-newest') this.dropped.push(n);
    else {
      this.dropped.push(this.items.shift()!);
      this.items.push(n);
    }
    return true;
  }

  take(): number | undefined {
    if (this.policy === 'latest') while (this.items.length > 1) this.dropped.push(this.items.shift()!);
    return this.items.shift();
  }
}

const CODE = { 'drop-newest': OUTCOME['drop-newest'], 'drop-oldest': OUTCOME['drop-oldest'], latest: OUTCOME.latest } as const;

for (const [name, start] of Object.entries(STARTS)) {
  for (const policy of ['block', 'drop-newest', 'drop-oldest', 'latest'] as const) {
    for (const capacity of [1, 3, 5, 8]) {
      it(`a FIFO edge (${policy}, ${capacity}) from position ${name} does what a list does`, async () => {
        const seed = capacity * 31 + policy.length;
        const random = seeded(seed);
        const bench = await RingBench.make({
          sinks: { out: { capacity, overflow: policy } },
          startPosition: start,
          startOrdinal: start,
          poison: true,
        });
        const sink = bench.threadOf('out');
        const model = new ListModel(policy, capacity);
        const { ring } = bench.edge('out');
        const slots = bench.free('s').length;
        let next = start;
        let waiting: number | undefined; // a frame received that a full edge does not take yet
        let delivered = 0;
        const held: number[] = [];
        for (let step = 0; step < STEPS; step++) {
          if (random(100) < 55) {
            if (waiting !== undefined) {
              const took = bench.source.ring.resume(0) === 1;
              expect(took, `seed ${seed} step ${step}`).toBe(model.push(waiting));
              if (took) waiting = undefined;
            } else {
              const done = bench.send(next);
              if (done === undefined) continue;
              const took = model.push(next);
              expect(done, `seed ${seed} step ${step}`).toBe(took ? 1 : 0);
              if (!took) waiting = next;
              next = (next + 1) >>> 0;
            }
          } else if (held.length > 0 && random(2)) {
            bench.finish(sink, 'out', held.splice(random(held.length), 1)[0]!, OUTCOME.delivered);
            delivered++;
          } else if (held.length < 2) {
            const reference = sink.ring.take(ring, 0);
            const expected = model.take();
            expect(reference === EMPTY ? undefined : bench.ordinalOf(reference), `seed ${seed} step ${step}`).toBe(expected);
            if (reference !== EMPTY) held.push(reference);
          }
        }
        if (waiting !== undefined) {
          held.push(sink.ring.take(ring, 0));
          model.take();
          expect(bench.source.ring.resume(0)).toBe(1);
          model.push(waiting);
        }
        for (;;) {
          const reference = sink.ring.take(ring, 0);
          if (reference === EMPTY) break;
          held.push(reference);
        }
        while (model.take() !== undefined);
        for (const reference of held) {
          bench.finish(sink, 'out', reference, OUTCOME.delivered);
          delivered++;
        }
        const ledger = bench.ledger();
        expect(ledger.received).toBe((next - start) >>> 0);
        expect(ledger.inFlight).toBe(0);
        expect(ledger.count(OUTCOME.delivered)).toBe(delivered);
        if (policy !== 'block') {
          expect(ledger.count(CODE[policy])).toBe(model.dropped.length);
          expect(model.dropped.length).toBeGreaterThan(0);
        }
        expect(delivered + model.dropped.length).toBe(ledger.received);
        expect(bench.free('s')).toEqual(Array.from({ length: slots }, (_, i) => i));
      });
    }
  }
}

describe('sampling', () => {
  it('keeps the ordinals that n divides, over the wrap too', async () => {
    const start = 2 ** 32 - 10;
    const bench = await RingBench.make({ sinks: { out: { overflow: { sample: 3 } } }, startOrdinal: start });
    const sink = bench.threadOf('out');
    const kept: number[] = [];
    for (let i = 0; i < 20; i++) {
      expect(bench.send((start + i) >>> 0)).toBe(1);
      const reference = sink.ring.take(bench.edge('out').ring, 0);
      if (reference === EMPTY) continue;
      kept.push(bench.ordinalOf(reference));
      bench.finish(sink, 'out', reference, OUTCOME.delivered);
    }
    const all = Array.from({ length: 20 }, (_, i) => (start + i) % 2 ** 32);
    expect(kept).toEqual(all.filter((n) => n % 3 === 0));
    expect(bench.ledger().count(OUTCOME.sampled)).toBe(20 - kept.length);
  });
});

describe('slots', () => {
  it('each is claimed once until it is released, and poisoned then', async () => {
    const bench = await RingBench.make({ sinks: { out: { capacity: 4 } }, poison: true, startPosition: 2 ** 32 - 5 });
    const pool = bench.pool('s');
    const { ring } = bench.source;
    for (let turn = 0; turn < 5; turn++) {
      const claimed: number[] = [];
      for (let slot = ring.claim(pool.ring); slot !== EMPTY; slot = ring.claim(pool.ring)) claimed.push(slot);
      expect([...claimed].sort((a, b) => a - b)).toEqual(Array.from({ length: pool.slots }, (_, i) => pool.firstSlot + i));
      expect(claimed.every((slot) => bench.header(slot, SLOT.bits) === 1)).toBe(true);
      for (const slot of claimed.reverse()) {
        const bytes = new Uint8Array(bench.memory.buffer, pool.payload + (slot - pool.firstSlot) * pool.slotBytes, pool.slotBytes);
        bytes.fill(7);
        ring.release(slot);
        expect(bench.header(slot, SLOT.bits)).toBe(0);
        expect(bytes.every((byte) => byte === 0xde)).toBe(true);
      }
    }
  });

  it('a slot of several branches is free when the last of them is released, in any order', async () => {
    const bench = await RingBench.make({ sinks: { a: {}, b: {}, c: {} } });
    const slots = bench.free('s').length;
    for (const order of [
      ['a', 'b', 'c'],
      ['c', 'a', 'b'],
      ['b', 'c', 'a'],
    ]) {
      bench.send(bench.ledger().received);
      for (const [i, node] of order.entries()) {
        expect(bench.free('s').length).toBe(slots - 1);
        const thread = bench.threadOf(node);
        const reference = thread.ring.take(bench.edge(node).ring, 0);
        bench.finish(thread, node, reference, i === 1 ? OUTCOME['sink-refused'] : OUTCOME.delivered);
      }
      expect(bench.free('s').length).toBe(slots);
    }
    const ledger = bench.ledger();
    // One outcome a frame: the worst of its three leaves.
    expect([ledger.received, ledger.inFlight]).toEqual([3, 0]);
    expect([ledger.count(OUTCOME['sink-refused']), ledger.count(OUTCOME.delivered)]).toEqual([3, 0]);
  });

  it('a chain is freed once, with its last branch, each of its slots', async () => {
    const bench = await RingBench.make({ sinks: { a: {}, b: {} }, slots: 10, poison: true });
    const { ring } = bench.source;
    const pool = bench.pool('s');
    for (let turn = 0; turn < 20; turn++) {
      const [head, second, third] = [ring.claim(pool.ring), ring.claim(pool.ring), ring.claim(pool.ring)] as const;
      bench.source.gated.link(head, second);
      bench.source.gated.link(second, third);
      ring.fanClaimed(head, 0b11);
      expect(bench.free('s').length).toBe(7);
      ring.release(head | (1 << 24));
      expect(bench.free('s').length).toBe(7);
      ring.release(head);
      expect(bench.free('s')).toEqual(Array.from({ length: 10 }, (_, i) => i));
    }
    // A slot that was in a chain and is claimed again stands alone.
    const slot = ring.claim(pool.ring);
    expect(bench.header(slot, SLOT.next)).toBe(EMPTY);
  });
});

describe('the gate', () => {
  it('refuses every call while it is closed, and nothing has happened', async () => {
    const bench = await RingBench.make({ sinks: { out: {} } });
    const sink = bench.threadOf('out');
    bench.send(0);
    const before = bench.words.slice();
    bench.put(CONTROL.gate, 1);
    const { ring } = bench.source;
    const edge = bench.edge('out').ring;
    const results = [
      ring.claim(bench.pool('s').ring),
      ring.release(0),
      sink.ring.take(edge, 0),
      sink.ring.takeN(edge, 0, 5),
      ring.fanClaimed(0, 3),
      ring.fanHeld(0, 2),
      ring.commit(0, 0, 0, 1, 1),
      ring.resume(0),
      ring.commitFrame(0, 1, 0, 1, 1),
      ring.refuse(OUTCOME.malformed),
      ring.sweep(0, 10),
    ];
    expect(results.every((result) => result === GATE_CLOSED)).toBe(true);
    bench.put(CONTROL.gate, 0);
    expect(bench.words.every((word, i) => word === before[i])).toBe(true);
    expect(sink.ring.take(edge, 0) & SLOT_MASK).toBe(0);
    expect(bench.words[(sink.line + LINE.busy) >>> 2]).toBe(0);
  });
});

describe('hints', () => {
  it('that lag behind are helped on, by whoever comes', async () => {
    const bench = await RingBench.make({ sinks: { out: { capacity: 4 } }, startPosition: 2 ** 31 - 2 });
    const { ring } = bench.edge('out');
    const sink = bench.threadOf('out');
    for (let i = 0; i < 4; i++) bench.send(i);
    // As if the threads that pushed had died before they moved the hint.
    bench.put(ring + RING.tail, 2 ** 31 - 2);
    expect(bench.send(4)).toBe(0);
    expect(bench.ordinalOf(sink.ring.take(ring, 0))).toBe(0);
    expect(bench.source.ring.resume(0)).toBe(1);
    bench.put(ring + RING.head, 2 ** 31 - 2);
    const rest: number[] = [];
    for (let reference = sink.ring.take(ring, 0); reference !== EMPTY; reference = sink.ring.take(ring, 0))
      rest.push(bench.ordinalOf(reference));
    expect(rest).toEqual([1, 2, 3, 4]);
  });
});
