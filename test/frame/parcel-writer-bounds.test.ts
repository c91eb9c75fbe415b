import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewArena } from '../../src/frame/arena-views.js';
import { dtypeCode } from '../../src/frame/dtype.js';
import { FrameView } from '../../src/frame/frame-view.js';
import { ParcelReader } from '../../src/frame/parcel-reader.js';
import { ParcelWriter } from '../../src/frame/parcel-writer.js';
import { MAX_META_BYTES, META_BYTES } from '../../src/frame/slot-layout.js';
import { createArena } from '../../src/memory/arena.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20261130);
const HEADER = 24;
const HEADER_END = HEADER + 104;
const PAYLOAD = 32768;
const UNTOUCHED = 0xb7;
const BYTES = dtypeCode('bytes');

const meta = fc.oneof(
  { arbitrary: fc.constant(0), weight: 4 },
  fc.nat({ max: 80 }),
  fc.integer({ min: MAX_META_BYTES - 2, max: MAX_META_BYTES + 2 }),
  fc.integer({ min: 5000, max: 20_000 }),
);
const record = fc.record({
  length: fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 5000 })),
  meta,
  sequence: fc.oneof(fc.nat({ max: 5 }), fc.double({ noNaN: true })),
  timestamp: fc.oneof(fc.constant(Number.NaN), fc.double()),
  afterUs: fc.nat({ max: 200 }),
  takenBack: fc.boolean(),
});
const text = (length: number): Uint8Array => new Uint8Array(length).fill(0x20);

describe('a writer of parcels', () => {
  it(`writes nothing outside its header, its bytes and the room for its meta, whatever it is asked (seed ${SEED})`, () => {
    const arena = viewArena(createArena(2 * 65536));
    const parcel = fc.record({ capacity: fc.integer({ min: 64, max: 8192 }), meta, records: fc.array(record, { maxLength: 40 }) });
    const counts = { tooLong: 0, full: 0, taken: 0 };
    const property = fc.property(fc.array(parcel, { minLength: 1, maxLength: 3 }), (parcels) => {
      const writer = new ParcelWriter(arena);
      const reader = new ParcelReader(arena);
      for (const { capacity, meta: metaBytes, records } of parcels) {
        arena.bytes.fill(UNTOUCHED);
        const slot = new FrameView(arena, 0, HEADER, PAYLOAD, capacity);
        const own = text(metaBytes);
        if (metaBytes > MAX_META_BYTES) {
          counts.tooLong++;
          expect(() => writer.open(PAYLOAD, capacity, 30, BYTES, [0], own)).toThrow(
            /the meta of a frame has \d+ bytes, but the limit is 4088/,
          );
          continue;
        }
        writer.open(PAYLOAD, capacity, 30, BYTES, [0], own);
        let us = 0;
        for (const { length, meta: ownBytes, sequence, timestamp, afterUs, takenBack } of records) {
          us += afterUs;
          const raw = ownBytes === metaBytes ? own : text(ownBytes);
          const at = writer.isSame(BYTES, [length], raw)
            ? writer.append(length, sequence, timestamp, us, writer.count, 0)
            : writer.appendOwn(BYTES, [length], raw, length, sequence, timestamp, us, writer.count, 0);
          counts[at < 0 ? 'full' : 'taken']++;
          if (at < 0) continue;
          arena.bytes.fill(1, at, at + length);
          if (takenBack) writer.undo();
          else writer.stamp(us);
        }
        writer.close(slot, 0, 1, 1);
        const end = PAYLOAD + Math.ceil(capacity / 64) * 64 + META_BYTES;
        const outside = (from: number, to: number): boolean => arena.bytes.subarray(from, to).every((byte) => byte === UNTOUCHED);
        expect(outside(0, HEADER) && outside(HEADER_END, PAYLOAD) && outside(end, arena.bytes.length)).toBe(true);
        if (writer.count === 0) continue;
        let read = 0;
        let bytes = 0;
        for (slot.load(['s']).unpack(reader); reader.next(); read++) bytes += reader.length;
        expect([read, bytes]).toEqual([writer.count, writer.dataBytes]);
      }
    });
    fc.assert(property, { seed: SEED, numRuns: 300 });
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(50);
  });
});
