import { createClock } from '../../src/agents/thread/clock.js';
import { viewArena } from '../../src/frame/arena-views.js';
import { FrameView } from '../../src/frame/frame-view.js';
import { ParcelReader } from '../../src/frame/parcel-reader.js';
import { ParcelWriter } from '../../src/frame/parcel-writer.js';
import { OUTCOME } from '../../src/observe/outcome.js';
import { LINE, SETTLE } from '../../src/ring/ring-layout.js';
import { SlotStock } from '../../src/ring/slot-stock.js';
import { type Bench, isSlow } from '../support/bench.js';
import { pause } from '../support/pause.js';
import { attachRing, type SmallArena, smallArena } from '../support/small-arena.js';
import { median } from '../support/statistics.js';
import { runPair, type Side } from '../support/thread-pair.js';

const RECORD_BYTES = 64;
const RECORD_WORDS = RECORD_BYTES / 4;
const PARCEL_BYTES = 32 * 1024;
/** So many records a parcel, and so many a push of the other's: the same batch. */
const BATCH = 256;
const SLOTS = 32;
const PAUSE_TURNS = 200;
/** A rate at which nothing queues: what a record waits for is its parcel. */
const PACED_RECORDS_PER_MS = 1000;
const SWEEP_EVERY = 8;
const BYTES_CODE = 0;
const NO_META = new Uint8Array(0);

interface RecordRing {
  push(data: Int32Array): number;
  pop(data: Int32Array): number;
}

interface Data {
  readonly arena: SmallArena;
  readonly ring: SharedArrayBuffer;
  readonly records: number;
  readonly paced: number;
  /** Microseconds from the first record of a parcel to the moment when its last was read: of the last parcels. */
  readonly ages: SharedArrayBuffer;
  readonly pacedAges: SharedArrayBuffer;
}

export async function makeSide(variant: string, side: 0 | 1, data: Data): Promise<Side> {
  if (variant === 'parcels') return side === 0 ? packRecords(data, data.records, false) : readRecords(data, data.records, data.ages);
  if (variant === 'paced') return side === 0 ? packRecords(data, data.paced, true) : readRecords(data, data.paced, data.pacedAges);
  const { RingBuffer } = (await import('ringbuf.js' as string)) as {
    RingBuffer: new (buffer: SharedArrayBuffer, type: Int32ArrayConstructor) => RecordRing;
  };
  const ring = new RingBuffer(data.ring, Int32Array);
  return side === 0 ? pushRecords(data, ring) : popRecords(data, ring);
}

/** Every word of record n is written by one, and read by the other, who knows what the sum of all must be. */
const word = (n: number, i: number): number => (n + Math.imul(i, 0x9e3779b1)) | 0;

/** The sum of all words of so many records, by the formula of the sum of integers. */
function sumOf(records: number): number {
  let constant = 0;
  for (let i = 0; i < RECORD_WORDS; i++) constant = (constant + Math.imul(i, 0x9e3779b1)) | 0;
  const numbers = Number(BigInt.asIntN(32, (BigInt(records) * BigInt(records - 1)) / 2n));
  return (Math.imul(numbers, RECORD_WORDS) + Math.imul(constant, records)) | 0;
}

function checkSum(found: number, records: number): void {
  if (found !== sumOf(records)) throw new Error(`wrong result: the words of ${records} records add up to ${found}, not ${sumOf(records)}`);
}

/** A source: it writes records into a parcel, commits that with its ordinal, and sweeps. */
function packRecords({ arena }: Data, records: number, paced: boolean): Side {
  const { plan, memory } = arena;
  const views = viewArena(memory);
  const { words } = views;
  const ring = attachRing(arena, 0, true);
  const pool = plan.pools[0]!;
  const { line } = plan.threads[0]!;
  const { leaves } = plan.sources[0]!;
  const stock = new SlotStock(ring, words, line, pool.ring, pool.slots);
  const writer = new ParcelWriter(views);
  const frames = Array.from({ length: pool.slots }, (_, slot) => frameOf(arena, slot));
  const nowUs = createClock();
  words[(line + LINE.outputReferences + 4) >>> 2] = plan.edges[0]!.ring;
  let ordinal = plan.startOrdinal;
  return () => {
    const startUs = nowUs();
    for (let n = 0; n < records; ) {
      let slot = stock.take();
      for (; slot < 0; slot = stock.take()) {
        ring.sweep(0, SLOTS);
        pause(PAUSE_TURNS);
      }
      const frame = frames[slot]!;
      const until = Math.min(records, n + BATCH);
      writer.open(frame.address, PARCEL_BYTES, BATCH, BYTES_CODE, [RECORD_BYTES], NO_META);
      if (paced) fillPaced(writer, words, n, until, startUs, nowUs);
      else fill(writer, words, n, until, nowUs());
      n = until;
      writer.close(frame, 0, ordinal, 0);
      words[(line + LINE.outputReferences) >>> 2] = slot;
      let done = ring.commitFrame(0, leaves, 1, writer.used, writer.count);
      while (done < 1) done = ring.resume(0);
      ordinal = (ordinal + 1) | 0;
      if ((ordinal & (SWEEP_EVERY - 1)) === 0) ring.sweep(0, SLOTS);
    }
  };
}

/** Records that are at hand: all are received at one moment, as all of one push are with the other. */
function fill(writer: ParcelWriter, words: Int32Array, from: number, until: number, receivedUs: number): void {
  for (let n = from, index = 0; n < until; n++, index++) {
    let at = writer.appendNext(receivedUs);
    if (at < 0) at = writer.append(RECORD_BYTES, n, 0, receivedUs, index, 0);
    writeRecord(words, at, n);
  }
}

/** Records of which each comes at its own moment. */
function fillPaced(writer: ParcelWriter, words: Int32Array, from: number, until: number, startUs: number, nowUs: () => number): void {
  for (let n = from, index = 0; n < until; n++, index++) {
    let receivedUs = nowUs();
    while (receivedUs - startUs < (n / PACED_RECORDS_PER_MS) * 1e3) receivedUs = nowUs();
    writeRecord(words, writer.append(RECORD_BYTES, n, 0, receivedUs, index, 0), n);
  }
}

function writeRecord(words: Int32Array, address: number, n: number): void {
  const to = address >>> 2;
  for (let i = 0; i < RECORD_WORDS; i++) words[to + i] = word(n, i);
}

function frameOf({ plan, memory }: SmallArena, slot: number): FrameView {
  const pool = plan.pools[0]!;
  return new FrameView(viewArena(memory), slot, plan.headers + slot * plan.stride, pool.payload + slot * pool.slotBytes, pool.maxDataBytes);
}

/** A sink: it reads every record of a parcel and settles that as delivered. */
function readRecords({ arena }: Data, records: number, ages: SharedArrayBuffer): Side {
  const { plan, memory } = arena;
  const views = viewArena(memory);
  const { words } = views;
  const ring = attachRing(arena, 1);
  const pool = plan.pools[0]!;
  const line = plan.threads[1]!.line >>> 2;
  const { leaves } = plan.sources[0]!;
  const frames = Array.from({ length: pool.slots }, (_, slot) => frameOf(arena, slot));
  const reader = new ParcelReader(views);
  const nowUs = createClock();
  const found = new Float64Array(ages);
  const item = line + LINE.settleItems / 4;
  return () => {
    let sum = 0;
    let parcels = 0;
    for (let n = 0; n < records; ) {
      let slot = ring.take(plan.edges[0]!.ring, 0);
      for (; slot < 0; slot = ring.take(plan.edges[0]!.ring, 0)) pause(PAUSE_TURNS);
      const frame = frames[slot]!.load(['in']);
      frame.unpack(reader);
      sum = (sum + sumRecords(reader, words, n)) | 0;
      n += frame.records;
      found[parcels++ % found.length] = nowUs() - frame.receivedUs;
      words[item + SETTLE.source / 4] = 0;
      words[item + SETTLE.ordinal / 4] = frame.ordinal;
      words[item + SETTLE.leaves / 4] = leaves;
      words[item + SETTLE.code / 4] = OUTCOME.delivered;
      words[line + LINE.inputReferences / 4] = slot;
      ring.commit(1, 0, 1, BATCH, frame.lengthBytes);
    }
    checkSum(sum, records);
  };
}

/** The sum of all words of the records of a parcel, of which the first has number n. */
function sumRecords(reader: ParcelReader, words: Int32Array, first: number): number {
  let sum = 0;
  for (let n = first; reader.next(); n++) {
    if (reader.length !== RECORD_BYTES || reader.sequence !== n)
      throw new Error(`wrong result: record ${reader.sequence} in place of ${n}`);
    const from = reader.address >>> 2;
    for (let i = 0; i < RECORD_WORDS; i++) sum = (sum + words[from + i]!) | 0;
  }
  return sum;
}

function pushRecords({ records }: Data, ring: RecordRing): Side {
  const batch = new Int32Array(BATCH * RECORD_WORDS);
  return () => {
    for (let n = 0; n < records; ) {
      const until = Math.min(records, n + BATCH);
      let to = 0;
      for (; n < until; n++) for (let i = 0; i < RECORD_WORDS; i++) batch[to++] = word(n, i);
      for (let at = 0; at < to; ) {
        const took = ring.push(at === 0 && to === batch.length ? batch : batch.subarray(at, to));
        if (took === 0) pause(PAUSE_TURNS);
        at += took;
      }
    }
  };
}

function popRecords({ records }: Data, ring: RecordRing): Side {
  const batch = new Int32Array(BATCH * RECORD_WORDS);
  const total = records * RECORD_WORDS;
  return () => {
    let sum = 0;
    for (let n = 0; n < total; ) {
      const count = ring.pop(batch);
      if (count === 0) pause(PAUSE_TURNS);
      for (let i = 0; i < count; i++) sum = (sum + batch[i]!) | 0;
      n += count;
    }
    checkSum(sum, records);
  };
}

const quantile = (ages: SharedArrayBuffer, q: number): number => {
  const sorted = new Float64Array(ages)
    .slice()
    .filter((age) => age > 0)
    .sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
};

/** Records of 64 bytes from thread to thread in parcels, with the ledger, each byte written and read; against ringbuf.js with as many a push. */
export const parcels: Bench = {
  name: 'parcels',
  async run({ repeats, scale }) {
    const records = BATCH * Math.ceil(8000 * scale);
    const data: Data = {
      arena: await smallArena(RECORD_BYTES, SLOTS, undefined, { bytes: PARCEL_BYTES }),
      ring: new SharedArrayBuffer(8 + (BATCH * SLOTS * RECORD_WORDS + 1) * 4),
      records,
      paced: BATCH * Math.ceil(400 * scale),
      ages: new SharedArrayBuffer(8 * 8192),
      pacedAges: new SharedArrayBuffer(8 * 8192),
    };
    const slow = isSlow('parcels') ? ['parcels'] : [];
    const { seconds } = await runPair({ module: import.meta.url, variants: ['parcels', 'ringbuf', 'paced'], repeats, slow, data });
    const ours = seconds.parcels!.map((s) => records / s / 1e6);
    const theirs = seconds.ringbuf!.map((s) => records / s / 1e6);
    const age = (ages: SharedArrayBuffer): string => `p50 ${quantile(ages, 0.5).toFixed(0)} us, p99 ${quantile(ages, 0.99).toFixed(0)} us`;
    return [
      {
        row: 'parcels',
        measured: { name: 'records in parcels, with ledger', unit: 'M/s', values: ours },
        reference: { name: `ringbuf.js, ${BATCH} a push`, unit: 'M/s', values: theirs },
        ratios: ours.map((value, i) => value / theirs[i]!),
        ratio: 'records a second',
        bar: 1,
        notes: [
          `${median(ours).toFixed(1)} million records of ${RECORD_BYTES} bytes a second, every byte written and read`,
          `the first record of a parcel is as old when the last has been read: at full rate ${age(data.ages)}; at ${PACED_RECORDS_PER_MS / 1e3} million a second ${age(data.pacedAges)}`,
        ],
      },
    ];
  },
};
