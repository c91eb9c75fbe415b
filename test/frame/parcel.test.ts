import { describe, expect, it } from 'vitest';
import { viewArena } from '../../src/frame/arena-views.js';
import { dtypeCode } from '../../src/frame/dtype.js';
import { FrameView } from '../../src/frame/frame-view.js';
import { RECORD, RECORD_KIND, RUN } from '../../src/frame/parcel-layout.js';
import { ParcelReader } from '../../src/frame/parcel-reader.js';
import { ParcelWriter } from '../../src/frame/parcel-writer.js';
import { createArena } from '../../src/memory/arena.js';
import { seeded } from '../support/arena.js';
import { sized } from '../support/test-size.js';

const HEADER = 24;
const PAYLOAD = 4096;
const CAPACITY = 4096;
const NO_META = new Uint8Array(0);
const BYTES = dtypeCode('bytes');

function parts() {
  const arena = viewArena(createArena(65536));
  const slot = new FrameView(arena, 0, HEADER, PAYLOAD, CAPACITY);
  return { arena, slot, writer: new ParcelWriter(arena), reader: new ParcelReader(arena) };
}

/** All records of a closed parcel, each as a view of its own. */
function read(slot: FrameView, reader: ParcelReader): FrameView[] {
  const views: FrameView[] = [];
  slot.load(['s']).unpack(reader);
  while (reader.next()) views.push(new FrameView(slot.arena, -1, 0, 0, 0).loadRecord(reader, slot));
  return views;
}

describe('a parcel', () => {
  it('gives back every record as it was written, those of no bytes too', () => {
    const { arena, slot, writer, reader } = parts();
    const lengths = [0, 1, 7, 8, 9, 0, 64, 65];
    writer.open(PAYLOAD, CAPACITY, 100, BYTES, [0], NO_META);
    for (const [i, length] of lengths.entries()) {
      expect(writer.isSame(BYTES, [length], NO_META)).toBe(true);
      const at = writer.append(length, 1e12 + i, i / 3, 500 + i, i, 0);
      for (let k = 0; k < length; k++) arena.bytes[at + k] = i * 16 + k;
    }
    writer.close(slot, 0, 77, 3);
    const views = read(slot, reader);
    expect(views.map(({ bytes }) => [...bytes])).toEqual(lengths.map((length, i) => Array.from({ length }, (_, k) => (i * 16 + k) & 0xff)));
    expect(
      views.map(({ sequence, timestamp, receivedUs, index, ordinal, series }) => [sequence, timestamp, receivedUs, index, ordinal, series]),
    ).toEqual(lengths.map((_, i) => [1e12 + i, i / 3, 500 + i, i, 77, 3]));
    expect(views.every(({ address }) => address % 8 === 0)).toBe(true);
  });

  it('keeps dtype, shape and meta of a record that has others than the parcel', () => {
    const { arena, slot, writer, reader } = parts();
    const meta = new TextEncoder().encode('{"a":1}');
    const own = new TextEncoder().encode('{"b":[2]}');
    writer.open(PAYLOAD, CAPACITY, 100, dtypeCode('uint16'), [2, 3], meta);
    expect(writer.isSame(dtypeCode('uint16'), [3, 2], meta)).toBe(false);
    expect(writer.isSame(dtypeCode('int16'), [2, 3], meta)).toBe(false);
    expect(writer.isSame(dtypeCode('uint16'), [2, 3], own)).toBe(false);
    const first = writer.append(12, 1, Number.NaN, 0, 0, 0);
    const second = writer.appendOwn(dtypeCode('float64'), [1, 2], own, 16, 2, Number.NaN, 0, 1, 0);
    const third = writer.append(12, 3, Number.NaN, 0, 2, 0);
    arena.floats[second / 8] = 1.5;
    arena.floats[second / 8 + 1] = -2;
    arena.bytes.fill(1, first, first + 12);
    arena.bytes.fill(3, third, third + 12);
    writer.close(slot, 0, 5, 0);
    const [a, b, c] = read(slot, reader);
    expect([a!.dtype, a!.shape, a!.meta, [...a!.data]]).toEqual(['uint16', [2, 3], { a: 1 }, Array(6).fill(0x0101)]);
    expect([b!.dtype, b!.shape, b!.meta, [...b!.data]]).toEqual(['float64', [1, 2], { b: [2] }, [1.5, -2]]);
    expect([c!.dtype, c!.shape, c!.meta, [...c!.data]]).toEqual(['uint16', [2, 3], { a: 1 }, Array(6).fill(0x0303)]);
  });

  it('has one head for records of one kind and length that follow each other, and no run is longer than it may be', () => {
    const { slot, writer, reader } = parts();
    writer.open(PAYLOAD, CAPACITY, 1000, BYTES, [8], NO_META);
    const addresses = Array.from({ length: 300 }, (_, i) => writer.append(8, 40 + i, Number.NaN, 1000 + (i >>> 3), i, 0));
    expect(addresses).toEqual(addresses.map((_, i) => PAYLOAD + RECORD.bytes * (i < RUN.records ? 1 : 2) + 8 * i));
    writer.close(slot, 0, 0, 0);
    const views = read(slot, reader);
    expect(views.map(({ address, sequence, index }) => [address, sequence, index])).toEqual(addresses.map((at, i) => [at, 40 + i, i]));
    expect(views.every(({ receivedUs }, i) => receivedUs <= 1000 + (i >>> 3) && receivedUs >= 1000 + (i >>> 3) - RUN.us)).toBe(true);
  });

  it('one more like the last is appended only where a run goes on', () => {
    const { slot, writer, reader } = parts();
    writer.open(PAYLOAD, 2048, 300, BYTES, [0], NO_META);
    expect(writer.appendNext(0)).toBe(-1); // like which
    writer.append(0, 1, Number.NaN, 10, 0, 0);
    expect(writer.appendNext(10)).toBe(-1); // without data there is no run
    const first = writer.append(5, 2, Number.NaN, 10, 1, 0);
    expect(writer.appendNext(9)).toBe(-1);
    expect(writer.appendNext(10 + RUN.us)).toBe(first + 8);
    expect(writer.appendNext(11 + RUN.us)).toBe(-1);
    writer.undo();
    expect(writer.appendNext(20)).toBe(first + 8);
    writer.appendOwn(BYTES, [5], NO_META, 5, 4, Number.NaN, 20, 3, 0);
    expect(writer.appendNext(20)).toBe(-1);
    writer.append(5, 5, Number.NaN, 20, 4, 0);
    let more = 0;
    while (writer.appendNext(20) >= 0) more++;
    expect(more).toBe(Math.floor((2048 - writer.used) / 8) + more); // the parcel is full
    writer.close(slot, 0, 0, 0);
    const sequences = read(slot, reader).map(({ sequence, index }) => [sequence, index]);
    expect(sequences).toEqual(Array.from({ length: 5 + more }, (_, i) => [i + 1, i]));
  });

  it('a record that comes later than a run may last has a head of its own, also where that is known only when it has come', () => {
    for (const late of [false, true]) {
      const { arena, slot, writer, reader } = parts();
      writer.open(PAYLOAD, CAPACITY, 1000, BYTES, [4], NO_META);
      const times = [100, 110, 150, 151, 170, 300];
      for (const [i, us] of times.entries()) {
        const at = writer.append(4, i, Number.NaN, late ? Number.NaN : us, i, 0);
        arena.words[at / 4] = 7 + i;
        if (late) writer.stamp(us);
      }
      writer.close(slot, 0, 0, 0);
      expect(read(slot, reader).map(({ receivedUs, data }) => [receivedUs, new Int32Array(data.slice().buffer)[0]])).toEqual(
        [100, 100, 100, 151, 151, 300].map((us, i) => [us, 7 + i]),
      );
      expect(writer.used).toBe(3 * RECORD.bytes + 6 * 8);
    }
  });

  it('whatever is appended, stamped and taken back, reads as what was kept', () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    console.log(`seed ${seed}`);
    const random = seeded(seed);
    const { arena, slot, writer, reader } = parts();
    let runs = 0;
    for (let round = 0; round < sized(200, 1000); round++) {
      writer.open(PAYLOAD, CAPACITY, 1 + random(200), BYTES, [0], NO_META);
      const kept: { length: number; sequence: number; timestamp: number; index: number; output: number; us: number; fill: number }[] = [];
      const usual = random(3) * 8;
      let sequence = random(1000);
      let index = 0;
      for (let us = 500, i = 0; i < 60; i++) {
        us += random(8) ? random(3) : random(100);
        const length = random(8) ? usual : random(40);
        sequence += random(8) ? 1 : random(5);
        index += random(8) ? 1 : 2;
        const record = { length, sequence, timestamp: random(12) ? 0.5 : 1.5, index, output: random(12) ? 0 : 1, us, fill: random(256) };
        const at = writer.append(length, sequence, record.timestamp, Number.NaN, index, record.output);
        if (at < 0) break;
        if (random(8) === 0) {
          arena.bytes.fill(0xee, at, at + length);
          writer.undo();
          continue;
        }
        arena.bytes.fill(record.fill, at, at + length);
        writer.stamp(us);
        kept.push(record);
      }
      expect(writer.count).toBe(kept.length);
      if (kept.length === 0) continue;
      writer.close(slot, 0, 0, 0);
      if (writer.used < kept.reduce((sum, { length }) => sum + RECORD.bytes + Math.ceil(length / 8) * 8, 0)) runs++;
      const views = read(slot, reader);
      expect(views.map((view) => [view.sequence, view.timestamp, view.index, view.output, ...view.bytes])).toEqual(
        kept.map((one) => [one.sequence, one.timestamp, one.index, one.output, ...Array(one.length).fill(one.fill)]),
      );
      for (const [i, { us }] of kept.entries()) expect(us - views[i]!.receivedUs).toSatisfy((age: number) => age >= 0 && age <= RUN.us);
    }
    expect(runs).toBeGreaterThan(sized(50, 300));
  });

  it('takes records up to its last byte, and not one more', () => {
    const { writer, reader, slot } = parts();
    const room = CAPACITY - RECORD.bytes;
    writer.open(PAYLOAD, CAPACITY, 100, BYTES, [0], NO_META);
    expect(writer.append(room + 1, 0, 0, 0, 0, 0)).toBe(-1);
    expect(writer.append(room, 0, 0, 0, 0, 0)).toBe(PAYLOAD + RECORD.bytes);
    expect(writer.isFull).toBe(true);
    expect(writer.append(0, 0, 0, 0, 1, 0)).toBe(-1);
    writer.close(slot, 0, 0, 0);
    expect(read(slot, reader).map(({ bytes }) => bytes.length)).toEqual([room]);
    writer.undo();
    expect(writer.appendOwn(BYTES, [room - RECORD_KIND.bytes], NO_META, room - RECORD_KIND.bytes, 0, 0, 0, 0, 0)).toBeGreaterThan(0);
    writer.undo();
    expect(writer.appendOwn(BYTES, [room - RECORD_KIND.bytes + 1], NO_META, room - RECORD_KIND.bytes + 1, 0, 0, 0, 0, 0)).toBe(-1);
  });

  it('takes no more records than it may have', () => {
    const { writer } = parts();
    writer.open(PAYLOAD, CAPACITY, 3, BYTES, [0], NO_META);
    for (let i = 0; i < 3; i++) expect(writer.append(0, 0, 0, 0, i, 0)).toBeGreaterThan(0);
    expect(writer.append(0, 0, 0, 0, 3, 0)).toBe(-1);
  });

  it('whatever its bytes say, is read within itself or refused', () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e9);
    console.log(`seed ${seed}`);
    const random = seeded(seed);
    const { arena, slot, writer, reader } = parts();
    let refused = 0;
    for (let round = 0; round < sized(4000, 20_000); round++) {
      writer.open(PAYLOAD, CAPACITY, 100, BYTES, [0], NO_META);
      for (let i = 0; i < 5; i++) {
        if (random(2)) writer.append(random(64), i, 0, 0, i, 0);
        else writer.appendOwn(dtypeCode('uint16'), [3], NO_META, 6, i, 0, 0, i, 0);
      }
      writer.close(slot, 0, 0, 0);
      const values = [0, 1, 8, 255, 4096, 0x7fff_ffff, -1, -8, 0x0100_0000, random(5000), ((1 + random(4)) << 24) | random(400)];
      for (let change = 0; change <= random(3); change++)
        arena.words[PAYLOAD / 4 + random(writer.used / 4)] = values[random(values.length)]!;
      slot.load(['s']);
      const end = PAYLOAD + slot.lengthBytes;
      try {
        slot.unpack(reader);
        while (reader.next()) {
          const view = new FrameView(arena, -1, 0, 0, 0).loadRecord(reader, slot);
          const { rawMeta } = view;
          expect(view.address >= PAYLOAD && view.address + view.bytes.length <= end).toBe(true);
          expect(rawMeta.length === 0 || !reader.own || (rawMeta.byteOffset >= PAYLOAD && rawMeta.byteOffset + rawMeta.length <= end)).toBe(
            true,
          );
        }
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_FORMAT' });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});
