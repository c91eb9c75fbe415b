import { describe, expect, it } from 'vitest';
import { array10 } from '../../src/codecs/array-1.0.js';
import { SILENT } from '../../src/errors/logger.js';
import { itemSize } from '../../src/frame/dtype.js';
import { checkCounter } from '../../src/ingress/sim/counter.js';
import type { SimOptions } from '../../src/ingress/sim/options.js';
import { simIngress } from '../../src/ingress/sim-ingress.js';
import { KeepingWriter } from './sim-writer.js';

const context = { name: 'detector', codec: array10, baseDir: '.', maxFrameBytes: 2 ** 24, log: SILENT };
const bytesOf = async (options: SimOptions) => (await simIngress.plan!(options, { baseDir: '.' })).maxFrameBytes!;

async function run(options: SimOptions, settings: { busyEvery?: number; keep?: boolean } = {}, signal = new AbortController().signal) {
  const out = new KeepingWriter({ maxBytes: await bytesOf(options), ...settings });
  const ingress = simIngress.create(options, context);
  await ingress.open();
  await ingress.run(out, signal);
  await ingress.close();
  return out;
}

describe('simulated detector', () => {
  it('plans shape, dtype and bytes from its options', async () => {
    expect(await simIngress.plan!({ shape: [30, 20], dtype: 'int32' }, { baseDir: '.' })).toEqual({
      shape: [30, 20],
      dtype: 'int32',
      maxFrameBytes: 2400,
    });
    expect((await simIngress.plan!({}, { baseDir: '.' })).dtype).toBe('uint16');
  });

  for (const pattern of ['powder', 'spots', 'noise', 'counter'] as const) {
    for (const dtype of ['uint8', 'uint16', 'uint32', 'int32', 'float32'] as const) {
      it(`numbers frames from 0 and gives the same bytes for the same seed, others for another: ${pattern} ${dtype}`, async () => {
        const options = { pattern, dtype, shape: [48, 40] as const, frames: 5, pool: 2 };
        const first = await run({ ...options, seed: 7 });
        const again = await run({ ...options, seed: 7 }, { busyEvery: 2 });
        const other = await run({ ...options, seed: 8 });
        expect(first.taken.map(({ header }) => header.sequence)).toEqual([0, 1, 2, 3, 4]);
        expect(first.taken.every(({ header, bytes }) => header.dtype === dtype && bytes.length === 48 * 40 * itemSize(dtype))).toBe(true);
        expect(again.waits).toBeGreaterThan(0);
        expect(again.taken.map(({ bytes }) => bytes)).toEqual(first.taken.map(({ bytes }) => bytes));
        expect(Buffer.compare(first.taken[0]!.bytes, other.taken[0]!.bytes)).not.toBe(0);
        expect(Buffer.compare(first.taken[0]!.bytes, first.taken[1]!.bytes)).not.toBe(0);
      });
    }
  }

  it('lets the frames of a pool take turns, and draws each anew with pool 0', async () => {
    const options = { pattern: 'noise', shape: [16, 16] as const, frames: 6 } as const;
    const pooled = (await run({ ...options, pool: 3 })).taken.map(({ bytes }) => Buffer.from(bytes).toString('hex'));
    expect(pooled.slice(3)).toEqual(pooled.slice(0, 3));
    expect(new Set((await run({ ...options, pool: 0 })).taken.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size).toBe(6);
  });

  it('proves counter frames by a checksum that any changed byte breaks, down to 16 bytes', async () => {
    for (const shape of [
      [1, 16],
      [8, 8],
      [33, 1],
    ] as const) {
      const { taken } = await run({ pattern: 'counter', dtype: 'uint8', shape, frames: 3 });
      taken.forEach(({ bytes }, number) => {
        expect(new DataView(bytes.buffer).getBigUint64(0, true)).toBe(BigInt(number));
        expect(checkCounter(bytes)).toEqual({ number, intact: true });
        for (let index = 0; index < bytes.length; index++) {
          const broken = bytes.slice();
          broken[index]! ^= 1;
          expect(checkCounter(broken).intact, `byte ${index}`).toBe(false);
        }
      });
    }
    expect(() => simIngress.create({ pattern: 'counter', dtype: 'uint8', shape: [1, 15] }, context)).toThrow(/16 bytes/);
  });

  it('writes the checksum that FNV-1a publishes: offset basis and prime over every byte before', async () => {
    const { taken } = await run({ pattern: 'counter', dtype: 'uint8', shape: [1, 20], frames: 1 });
    let hash = 0x811c9dc5n; // draft-eastlake-fnv, in arithmetic without wrapping tricks
    for (const byte of taken[0]!.bytes.subarray(0, 16)) hash = ((hash ^ BigInt(byte)) * 0x01000193n) % 2n ** 32n;
    expect(new DataView(taken[0]!.bytes.buffer).getUint32(16, true)).toBe(Number(hash));
  });

  it('keeps an absolute schedule: 100 frames at 500 a second take 198 ms, with late timers made up for', async () => {
    const startMs = performance.now();
    const { taken } = await run({ pattern: 'counter', dtype: 'uint8', shape: [8, 8], frames: 100, rate: 500 });
    const times = taken.map(({ atMs }) => atMs - startMs);
    for (const [number, atMs] of times.entries()) expect(atMs, `frame ${number} came early`).toBeGreaterThanOrEqual(number * 2 - 1);
    // A busy machine may delay a frame, but drift would grow with the number of frames.
    expect(times.at(-1)!).toBeLessThan(198 + 150);
    const stamps = taken.map(({ header }) => header.timestamp!);
    expect(Math.abs(stamps[0]! - Date.now() / 1000)).toBeLessThan(5);
    expect(stamps.at(-1)! - stamps[0]!).toBeGreaterThan(0.19);
  });

  it('lets messages through while it runs as fast as it can, and stops soon after the signal', async () => {
    const controller = new AbortController();
    const options = { pattern: 'counter', dtype: 'uint8', shape: [8, 8] } as const;
    const timer = setTimeout(() => controller.abort(), 50);
    const startMs = performance.now();
    const out = await run(options, { keep: false }, controller.signal);
    clearTimeout(timer);
    expect(performance.now() - startMs).toBeLessThan(1000);
    expect(out.committed).toBeGreaterThan(1000);
  });

  it('wakes from a long wait when the signal comes', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    const startMs = performance.now();
    const out = await run({ pattern: 'noise', shape: [8, 8], rate: 0.01 }, {}, controller.signal);
    expect(out.committed).toBe(1);
    expect(performance.now() - startMs).toBeLessThan(1000);
  });
});
