import type { MessagePort } from 'node:worker_threads';
import { SLOT } from '../../src/frame/slot-layout.js';
import { OUTCOME } from '../../src/observe/outcome.js';
import { LINE, SETTLE } from '../../src/ring/ring-layout.js';
import { SlotStock } from '../../src/ring/slot-stock.js';
import { BareQueue } from '../support/bare-queue.js';
import { type Bench, type BenchRow, isSlow } from '../support/bench.js';
import { pause } from '../support/pause.js';
import { attachRing, type SmallArena, smallArena } from '../support/small-arena.js';
import { median } from '../support/statistics.js';
import { runPair, type Side } from '../support/thread-pair.js';

const SLOTS = 1024;
const FRAME_BYTES = 64;
const BATCH = 32;
const PAUSE_TURNS = 2000;
const SWEEP_EVERY = 32;

interface Data {
  readonly plain: SmallArena;
  readonly settled: SmallArena;
  readonly lives: number;
  readonly messages: number;
  readonly bare: SharedArrayBuffer;
}

/** A number travels in the payload of each slot; the consumer checks that they come in order. */
export function makeSide(variant: string, side: 0 | 1, data: Data, port: MessagePort): Side {
  switch (variant) {
    case 'one':
      return side === 0 ? produceOne(data) : consumeOne(data);
    case 'batch':
      return side === 0 ? produceBatch(data) : consumeBatch(data);
    case 'settled':
      return side === 0 ? produceSettled(data) : consumeSettled(data);
    case 'bare':
      return side === 0 ? produceBare(data) : consumeBare(data);
    default:
      return side === 0 ? postNumbers(data, port) : receiveNumbers(data, port);
  }
}

function wrong(found: number | undefined, expected: number): never {
  throw new Error(`wrong result: number ${found} in place of ${expected}`);
}

function parts(arena: SmallArena, thread: number, asIngress = false) {
  const { plan, memory } = arena;
  const ring = attachRing(arena, thread, asIngress);
  const pool = plan.pools[0]!;
  const edge = plan.edges[0]!.ring;
  const { line } = plan.threads[thread]!;
  const words = new Int32Array(memory.buffer);
  const payload = (slot: number): number => (pool.payload + slot * pool.slotBytes) >>> 2;
  const header = (slot: number): number => (plan.headers + slot * plan.stride) >>> 2;
  const stock = new SlotStock(ring, words, line, pool.ring, pool.slots);
  return { ring, stock, pool: pool.ring, edge, words, payload, header, line: line >>> 2 };
}

function produceOne({ plain, lives }: Data): Side {
  const { ring, stock, edge, words, payload, line } = parts(plain, 0);
  const output = line + LINE.outputReferences / 4;
  words[output + 1] = edge;
  return () => {
    for (let i = 0; i < lives; i++) {
      let slot = stock.take();
      for (; slot < 0; slot = stock.take()) pause(PAUSE_TURNS);
      words[payload(slot)] = i;
      words[output] = slot;
      let done = ring.commit(0, 1, 0, 1, FRAME_BYTES);
      while (done < 1) done = ring.resume(0);
    }
  };
}

function consumeOne({ plain, lives }: Data): Side {
  const { ring, edge, words, payload, line } = parts(plain, 1);
  const input = line + LINE.inputReferences / 4;
  return () => {
    for (let i = 0; i < lives; i++) {
      let slot = ring.take(edge, 0);
      for (; slot < 0; slot = ring.take(edge, 0)) pause(PAUSE_TURNS);
      if (words[payload(slot)] !== i) wrong(words[payload(slot)], i);
      words[input] = slot;
      ring.commit(1, 0, 0, 1, FRAME_BYTES);
    }
  };
}

function produceBatch({ plain, lives }: Data): Side {
  const { ring, pool, edge, words, payload, line } = parts(plain, 0);
  const output = line + LINE.outputReferences / 4;
  const batch = line + LINE.batch / 4;
  return () => {
    for (let i = 0; i < lives; ) {
      const count = ring.claimN(pool, Math.min(BATCH, lives - i));
      for (let k = 0; k < count; k++) {
        const slot = words[batch + k]!;
        words[payload(slot)] = i++;
        words[output + 2 * k] = slot;
        words[output + 2 * k + 1] = edge;
      }
      if (count === 0) {
        pause(PAUSE_TURNS);
        continue;
      }
      let done = ring.commit(0, count, 0, count, count * FRAME_BYTES);
      while (done < count) done = ring.resume(done);
    }
  };
}

function consumeBatch({ plain, lives }: Data): Side {
  const { ring, edge, words, payload, line } = parts(plain, 1);
  const input = line + LINE.inputReferences / 4;
  const batch = line + LINE.batch / 4;
  return () => {
    for (let i = 0; i < lives; ) {
      const count = ring.takeN(edge, 0, BATCH);
      for (let k = 0; k < count; k++) {
        const slot = words[batch + k]!;
        if (words[payload(slot)] !== i++) wrong(words[payload(slot)], i - 1);
        words[input + k] = slot;
      }
      if (count === 0) pause(PAUSE_TURNS);
      else ring.commit(count, 0, 0, count, count * FRAME_BYTES);
    }
  };
}

/** The same with the ledger: an ordinal is opened for each slot, settled by the consumer, swept by the producer. */
function produceSettled({ settled, lives }: Data): Side {
  const { ring, stock, edge, words, payload, header, line } = parts(settled, 0, true);
  const { leaves } = settled.plan.sources[0]!;
  const output = line + LINE.outputReferences / 4;
  words[output + 1] = edge;
  let ordinal = 0;
  return () => {
    for (let i = 0; i < lives; i++) {
      let slot = stock.take();
      for (; slot < 0; slot = stock.take()) pause(PAUSE_TURNS);
      words[payload(slot)] = i;
      words[header(slot) + SLOT.source / 4] = 0;
      words[header(slot) + SLOT.ordinal / 4] = ordinal++;
      words[output] = slot;
      let done = ring.commitFrame(0, leaves, 1, FRAME_BYTES, 1);
      while (done < 1) done = ring.resume(0);
      if (i % SWEEP_EVERY === 0) ring.sweep(0, SLOTS);
    }
  };
}

function consumeSettled({ settled, lives }: Data): Side {
  const { ring, edge, words, payload, header, line } = parts(settled, 1);
  const { leaves } = settled.plan.sources[0]!;
  const input = line + LINE.inputReferences / 4;
  const item = line + LINE.settleItems / 4;
  return () => {
    for (let i = 0; i < lives; i++) {
      let slot = ring.take(edge, 0);
      for (; slot < 0; slot = ring.take(edge, 0)) pause(PAUSE_TURNS);
      if (words[payload(slot)] !== i) wrong(words[payload(slot)], i);
      words[item + SETTLE.source / 4] = 0;
      words[item + SETTLE.ordinal / 4] = words[header(slot) + SLOT.ordinal / 4]!;
      words[item + SETTLE.leaves / 4] = leaves;
      words[item + SETTLE.code / 4] = OUTCOME.delivered;
      words[input] = slot;
      ring.commit(1, 0, 1, 1, FRAME_BYTES);
    }
  };
}

function bareParts({ bare, plain }: Data) {
  const words = new Int32Array(plain.memory.buffer);
  const { payload, slotBytes } = plain.plan.pools[0]!;
  return { queue: new BareQueue(bare, SLOTS), words, at: (place: number): number => (payload + place * slotBytes) >>> 2 };
}

function produceBare(data: Data): Side {
  const { queue, words, at } = bareParts(data);
  return () => {
    for (let i = 0; i < data.lives; i++) {
      let place = queue.claim();
      for (; place < 0; place = queue.claim()) pause(PAUSE_TURNS);
      words[at(place)] = i;
      queue.push();
    }
  };
}

function consumeBare(data: Data): Side {
  const { queue, words, at } = bareParts(data);
  return () => {
    for (let i = 0; i < data.lives; i++) {
      let place = queue.peek();
      for (; place < 0; place = queue.peek()) pause(PAUSE_TURNS);
      if (words[at(place)] !== i) wrong(words[at(place)], i);
      queue.release();
    }
  };
}

function postNumbers({ messages }: Data, port: MessagePort): Side {
  return () => {
    for (let i = 0; i < messages; i++) port.postMessage(i);
  };
}

function receiveNumbers({ messages }: Data, port: MessagePort): Side {
  return () =>
    new Promise((resolve, reject) => {
      let next = 0;
      port.on('message', (value: number) => {
        if (value !== next++) reject(new Error(`wrong result: number ${value} in place of ${next - 1}`));
        if (next < messages) return;
        port.removeAllListeners('message');
        resolve();
      });
    });
}

const ROWS = [
  { variant: 'one', row: 'slot-life-one', bar: 5 },
  { variant: 'batch', row: 'slot-life-batch-32', bar: 10 },
  { variant: 'settled', row: 'slot-life-settled', bar: undefined },
] as const;

/** A slot's whole life between two threads (claim, commit and push, take, commit and release, counters), against one MessagePort message. */
export const slotLife: Bench = {
  name: 'slot-life',
  async run({ repeats, scale }) {
    const lives = Math.ceil(300_000 * scale);
    const messages = Math.ceil(60_000 * scale);
    const data: Data = {
      plain: await smallArena(FRAME_BYTES, SLOTS),
      settled: await smallArena(FRAME_BYTES, SLOTS),
      lives,
      messages,
      bare: BareQueue.memory(),
    };
    const slow = ROWS.filter(({ row }) => isSlow(row) || isSlow(`${row}-bare`)).map(({ variant }) => variant);
    const { seconds, roundTripNs } = await runPair({
      module: import.meta.url,
      variants: [...ROWS.map(({ variant }) => variant), 'port', 'bare'],
      repeats,
      slow,
      data,
    });
    const port = seconds.port!.map((s) => messages / s / 1e6);
    const bare = seconds.bare!.map((s) => lives / s / 1e6);
    return ROWS.flatMap(({ variant, row, bar }): BenchRow[] => {
      const values = seconds[variant]!.map((s) => lives / s / 1e6);
      const measured = { name: variant === 'settled' ? 'life with ledger' : 'life', unit: 'M/s', values };
      return [
        {
          row,
          measured,
          reference: { name: 'MessagePort', unit: 'M/s', values: port },
          ratios: values.map((value, i) => value / port[i]!),
          ratio: 'lives a second to messages a second',
          ...(bar === undefined ? {} : { bar }),
          ...(variant === 'one'
            ? { notes: [`a line of memory goes to the other thread and back in ${median(roundTripNs).toFixed(0)} ns`] }
            : {}),
        },
        {
          row: `${row}-bare`,
          measured,
          reference: { name: 'two counters, no slots', unit: 'M/s', values: bare },
          ratios: values.map((value, i) => value / bare[i]!),
          ratio: 'as many a second',
        },
      ];
    });
  },
};
