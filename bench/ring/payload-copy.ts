import type { MessagePort } from 'node:worker_threads';
import { LINE } from '../../src/ring/ring-layout.js';
import { SlotStock } from '../../src/ring/slot-stock.js';
import { BareQueue } from '../support/bare-queue.js';
import { type Bench, type BenchRow, check, isSlow, isWanted } from '../support/bench.js';
import { pause } from '../support/pause.js';
import { attachRing, type SmallArena, smallArena } from '../support/small-arena.js';
import { runPair, type Side } from '../support/thread-pair.js';

interface ByteRing {
  push(data: Uint8Array): number;
  pop(data: Uint8Array): number;
}
interface Data {
  readonly arena: SmallArena;
  readonly ring: SharedArrayBuffer;
  /** Payloads that the consumer has taken: at most `DEPTH` transfers are on their way. */
  readonly credit: SharedArrayBuffer;
  readonly bare: SharedArrayBuffer;
  readonly bytes: number;
  readonly count: number;
}

const MARK = 7;
const DEPTH = 16;
const PAUSE_TURNS = 100;

export async function makeSide(variant: string, side: 0 | 1, data: Data, port: MessagePort): Promise<Side> {
  const payload = new Uint8Array(data.bytes).fill(MARK);
  if (variant === 'slots') return side === 0 ? slotProducer(data, payload) : slotConsumer(data, payload);
  if (variant === 'bare') return side === 0 ? bareProducer(data, payload) : bareConsumer(data, payload);
  if (variant === 'transfer') return side === 0 ? transferProducer(data, payload, port) : transferConsumer(data, payload, port);
  const { RingBuffer } = (await import('ringbuf.js' as string)) as {
    RingBuffer: new (buffer: SharedArrayBuffer, type: Uint8ArrayConstructor) => ByteRing;
  };
  const ring = new RingBuffer(data.ring, Uint8Array);
  return side === 0 ? ringProducer(data, payload, ring) : ringConsumer(data, payload, ring);
}

/** Each payload has to arrive whole: the first, middle and last byte are looked at. */
function verify(target: Uint8Array): void {
  const { length } = target;
  if (target[0] !== MARK || target[length >> 1] !== MARK || target[length - 1] !== MARK)
    throw new Error('wrong result: a payload did not arrive intact');
  target[0] = 0;
  target[length - 1] = 0;
}

function slotProducer({ arena, count }: Data, payload: Uint8Array): Side {
  const ring = attachRing(arena, 0);
  const { plan, memory } = arena;
  const bytes = new Uint8Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  const pool = plan.pools[0]!;
  const line = plan.threads[0]!.line >>> 2;
  const stock = new SlotStock(ring, words, plan.threads[0]!.line, pool.ring, pool.slots);
  words[line + LINE.outputReferences / 4 + 1] = plan.edges[0]!.ring;
  return () => {
    for (let n = 0; n < count; n++) {
      let slot = stock.take();
      for (; slot < 0; slot = stock.take()) pause(PAUSE_TURNS);
      bytes.set(payload, pool.payload + slot * pool.slotBytes);
      words[line + LINE.outputReferences / 4] = slot;
      let done = ring.commit(0, 1, 0, 1, payload.length);
      while (done < 1) done = ring.resume(0);
    }
  };
}

function slotConsumer({ arena, count }: Data, target: Uint8Array): Side {
  const ring = attachRing(arena, 1);
  const { plan, memory } = arena;
  const words = new Int32Array(memory.buffer);
  const pool = plan.pools[0]!;
  const line = plan.threads[1]!.line >>> 2;
  const views = Array.from(
    { length: pool.slots },
    (_, slot) => new Uint8Array(memory.buffer, pool.payload + slot * pool.slotBytes, target.length),
  );
  return () => {
    for (let n = 0; n < count; n++) {
      let slot = ring.take(plan.edges[0]!.ring, 0);
      for (; slot < 0; slot = ring.take(plan.edges[0]!.ring, 0)) pause(PAUSE_TURNS);
      target.set(views[slot]!);
      verify(target);
      words[line + LINE.inputReferences / 4] = slot;
      ring.commit(1, 0, 0, 1, target.length);
    }
  };
}

function bareParts({ bare, arena }: Data) {
  const bytes = new Uint8Array(arena.memory.buffer);
  const { payload, slotBytes } = arena.plan.pools[0]!;
  return { queue: new BareQueue(bare, DEPTH), bytes, at: (place: number): number => payload + place * slotBytes };
}

function bareProducer(data: Data, payload: Uint8Array): Side {
  const { queue, bytes, at } = bareParts(data);
  return () => {
    for (let n = 0; n < data.count; n++) {
      let place = queue.claim();
      for (; place < 0; place = queue.claim()) pause(PAUSE_TURNS);
      bytes.set(payload, at(place));
      queue.push();
    }
  };
}

function bareConsumer(data: Data, target: Uint8Array): Side {
  const { queue, bytes, at } = bareParts(data);
  const views = Array.from({ length: DEPTH }, (_, place) => bytes.subarray(at(place), at(place) + target.length));
  return () => {
    for (let n = 0; n < data.count; n++) {
      let place = queue.peek();
      for (; place < 0; place = queue.peek()) pause(PAUSE_TURNS);
      target.set(views[place]!);
      verify(target);
      queue.release();
    }
  };
}

function ringProducer({ count, bytes }: Data, payload: Uint8Array, ring: ByteRing): Side {
  return () => {
    for (let n = 0; n < count; n++) for (let at = 0; at < bytes; ) at += ring.push(at === 0 ? payload : payload.subarray(at));
  };
}

function ringConsumer({ count, bytes }: Data, target: Uint8Array, ring: ByteRing): Side {
  return () => {
    for (let n = 0; n < count; n++) {
      for (let at = 0; at < bytes; ) at += ring.pop(at === 0 ? target : target.subarray(at));
      verify(target);
    }
  };
}

function transferProducer({ count, credit }: Data, payload: Uint8Array, port: MessagePort): Side {
  const taken = new Int32Array(credit);
  let sent = 0;
  return () => {
    for (let n = 0; n < count; n++) {
      for (let seen = Atomics.load(taken, 0); sent - seen >= DEPTH; seen = Atomics.load(taken, 0)) Atomics.wait(taken, 0, seen, 1);
      const copy = payload.slice();
      port.postMessage(copy.buffer, [copy.buffer]);
      sent++;
    }
  };
}

function transferConsumer({ count, credit }: Data, target: Uint8Array, port: MessagePort): Side {
  const taken = new Int32Array(credit);
  return () =>
    new Promise((resolve) => {
      let seen = 0;
      port.on('message', (buffer: ArrayBuffer) => {
        target.set(new Uint8Array(buffer));
        verify(target);
        Atomics.add(taken, 0, 1);
        Atomics.notify(taken, 0);
        if (++seen < count) return;
        port.removeAllListeners('message');
        resolve();
      });
    });
}

const SIZES = [
  { name: '64b', bytes: 64, count: 100_000, ring: undefined, transfer: 1 },
  { name: '1kib', bytes: 1024, count: 60_000, ring: 1, transfer: 1 },
  { name: '64kib', bytes: 65_536, count: 4000, ring: 1, transfer: 1 },
  { name: '8mib', bytes: 8 * 2 ** 20, count: 40, ring: 0.95, transfer: 0.95 },
] as const;

/** Payloads copied in by one thread and out by another, one at a time, with 16 places on all sides. */
export const payloadCopy: Bench = {
  name: 'payload-copy',
  async run(options) {
    const { repeats, scale } = options;
    const rows: BenchRow[] = [];
    for (const { name, bytes, count: full, ring, transfer } of SIZES) {
      const others = (
        [
          ['ring', `copy-${name}`, 'ringbuf.js', ring],
          ['transfer', `copy-${name}-transfer`, 'postMessage with transfer', transfer],
          ['bare', `copy-${name}-bare`, 'two counters, no slots', undefined],
        ] as const
      ).filter(([, row]) => isWanted(options, row));
      if (others.length === 0) continue;
      const count = Math.ceil(full * scale);
      const data: Data = {
        arena: await smallArena(bytes, DEPTH),
        ring: new SharedArrayBuffer(8 + DEPTH * bytes + 1),
        credit: new SharedArrayBuffer(4),
        bare: BareQueue.memory(),
        bytes,
        count,
      };
      const slow = isSlow(`copy-${name}`) || isSlow(`copy-${name}-bare`) ? ['slots'] : [];
      const { seconds } = await runPair({
        module: import.meta.url,
        variants: ['slots', ...others.map(([variant]) => variant)],
        repeats,
        slow,
        data,
      });
      const rate = (variant: string): number[] => seconds[variant]!.map((s) => (count * bytes) / s / 1e9);
      const ours = rate('slots');
      check(ours.length === repeats, 'a repetition is missing');
      for (const [other, row, against, bar] of others) {
        const theirs = rate(other);
        rows.push({
          row,
          measured: { name: `slots, ${name}`, unit: 'GB/s', values: ours },
          reference: { name: against, unit: 'GB/s', values: theirs },
          ratios: ours.map((value, i) => value / theirs[i]!),
          ratio: 'times as fast',
          ...(bar === undefined ? {} : { bar }),
        });
      }
    }
    return rows;
  },
};
