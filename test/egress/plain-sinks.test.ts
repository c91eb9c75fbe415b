import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { array10 } from '../../src/codecs/array-1.0.js';
import type { EgressContext } from '../../src/egress/egress.js';
import { imageEgress } from '../../src/egress/image-egress.js';
import { nullEgress } from '../../src/egress/null-egress.js';
import { PrintEgress, type PrintEgressOptions } from '../../src/egress/print-egress.js';
import { SILENT } from '../../src/errors/logger.js';
import { plainFrame } from '../support/plain-frame.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'plain-sinks-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const context = (more: Partial<EgressContext> = {}): EgressContext => ({
  name: 'out',
  codec: array10,
  baseDir: folder,
  log: SILENT,
  signal: new AbortController().signal,
  outage: () => {},
  ...more,
});

describe('print', () => {
  class Screen extends Writable {
    text = '';
    readonly #slow: (() => void)[] = [];
    readonly #held: boolean;
    constructor(held = false) {
      super({ highWaterMark: 1 });
      this.#held = held;
    }
    override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
      this.text += chunk.toString();
      if (this.#held) this.#slow.push(done);
      else done();
    }
    release(error?: Error): void {
      for (const done of this.#slow.splice(0)) (done as (error?: Error) => void)(error);
    }
  }
  const printed = async (options: PrintEgressOptions, ...frames: ReturnType<typeof plainFrame>[]) => {
    const screen = new Screen();
    const egress = new PrintEgress(options, context(), screen);
    await egress.open();
    await egress.write(frames);
    await egress.close();
    expect(screen.listenerCount('error')).toBe(0);
    return screen.text;
  };

  test('what is not printed when the reader goes is unread, in the write under way and after it', async () => {
    const screen = new Screen(true);
    const egress = new PrintEgress({}, context(), screen);
    await egress.open();
    const frame = plainFrame([1], Uint8Array.of(1), { ordinal: 0, sequence: 0 });
    const pending = egress.write([frame, frame]);
    egress.readerGone();
    const reasons = async (delivery: ReturnType<typeof egress.write>) => (await delivery)?.refused?.map(({ reason }) => reason);
    expect(await reasons(pending)).toEqual(['unread', 'unread']);
    expect(await reasons(egress.write([frame]))).toEqual(['unread']);
    await egress.close();
  });

  test('one line a frame, for people', async () => {
    const frame = plainFrame([1, 2], Uint16Array.of(3, 4), { ordinal: 5, sequence: 77, timestamp: 12.5, meta: { a: 1 } });
    expect(await printed({}, frame, frame)).toBe('detector 5 sequence 77 uint16 [1, 2] time 12.5 {"a":1}\n'.repeat(2));
    expect(await printed({ data: true }, frame)).toMatch(/: 3 4\n$/);
  });

  test('one JSON object a line', async () => {
    const frame = plainFrame([2], [1, Number.NaN], { sequence: 2 });
    expect(JSON.parse(await printed({ format: 'json', data: true }, frame))).toMatchObject({ sequence: 2, shape: [2], data: [1, null] });
    expect(JSON.parse(await printed({ format: 'json' }, frame))).not.toHaveProperty('data');
  });

  test('nothing that a sender put in can steer a terminal or break a line', async () => {
    const frame = plainFrame([1], [1], { meta: { title: '\u001b[2J\u009b2J\u007f\n\u2028' } });
    for (const format of ['text', 'json'] as const) {
      const text = await printed({ format }, frame);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(text.slice(0, -1)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028]/);
    }
  });

  test('write waits for a slow reader', async () => {
    const screen = new Screen(true);
    const egress = new PrintEgress({}, context(), screen);
    await egress.open();
    let resolved = false;
    const writing = egress.write([plainFrame([1], [1])]).then(() => {
      resolved = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(resolved).toBe(false);
    screen.release();
    await writing;
  });

  test('a reader that goes away is a failure of the sink, now and later', async () => {
    const screen = new Screen(true);
    const egress = new PrintEgress({}, context(), screen);
    await egress.open();
    const writing = egress.write([plainFrame([1], [1])]);
    screen.release(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
    await expect(writing).rejects.toMatchObject({ code: 'ERR_SINK', message: expect.stringMatching(/reader of the output has closed it/) });
    await expect(egress.write([plainFrame([1], [1])])).rejects.toMatchObject({ code: 'ERR_SINK' });
  });

  test('the missed deadline of the drain ends a write that hangs', async () => {
    const controller = new AbortController();
    const egress = new PrintEgress({}, context({ signal: controller.signal }), new Screen(true));
    await egress.open();
    const writing = egress.write([plainFrame([1], [1])]);
    controller.abort();
    await expect(writing).rejects.toMatchObject({ code: 'ERR_SINK' });
  });
});

describe('null', () => {
  // "foobar" has the FNV-1a hash 0xbf9cf968 by the authors' test suite.
  const sound = () => plainFrame([10], Uint8Array.from([...Buffer.from('foobar'), 0x68, 0xf9, 0x9c, 0xbf]));

  test('a sound checksum passes, a damaged or missing one is refused', async () => {
    const egress = nullEgress.create({ checksum: true }, context());
    const damaged = sound();
    damaged.bytes[2]! ^= 1;
    const delivery = await egress.write([sound(), damaged, plainFrame([3], Uint8Array.of(1, 2, 3)), sound()]);
    expect(delivery?.refused?.map(({ index, reason }) => [index, reason])).toEqual([
      [1, 'sink-refused'],
      [2, 'sink-refused'],
    ]);
    expect(await egress.write([sound()])).toBeUndefined();
  });

  test('without a delay frames are taken at once', () => {
    expect(nullEgress.create({}, context()).write([sound()])).toBeUndefined();
  });

  test('a stall holds one write, once, and is reported as an outage', async () => {
    let outageMs = 0;
    const egress = nullEgress.create({ stallAfter: 1, stallMs: 60 }, context({ outage: (ms) => (outageMs += ms) }));
    const times: number[] = [];
    for (let frame = 0; frame < 3; frame++) {
      const start = performance.now();
      await egress.write([sound()]);
      times.push(performance.now() - start);
    }
    expect(times[0]).toBeLessThan(40);
    expect(times[1]).toBeGreaterThan(50);
    expect(times[2]).toBeLessThan(40);
    expect(outageMs).toBe(60);
  });

  test('the missed deadline of the drain ends a stall', async () => {
    const controller = new AbortController();
    const egress = nullEgress.create({ stallMs: 60_000 }, context({ signal: controller.signal }));
    const writing = egress.write([sound()]);
    controller.abort();
    await expect(writing).rejects.toMatchObject({ code: 'ERR_SINK' });
  });
});

describe('image', () => {
  const decode = async (name: string) => sharp(path.join(folder, name)).raw().toBuffer({ resolveWithObject: true });

  test('what an earlier run left unfinished is removed, other hidden files are not', async () => {
    writeFileSync(path.join(folder, '.7.png.0.part'), 'half');
    writeFileSync(path.join(folder, '.other.csv.0.part'), 'whose?');
    const egress = imageEgress.create({ path: '{ordinal}.png' }, context());
    await egress.open();
    expect(readdirSync(folder)).toEqual(['.other.csv.0.part']);
  });

  test('uint8 is grey as it is, and three channels are colours as they are', async () => {
    const egress = imageEgress.create({ path: '{source}-{ordinal:02}.png' }, context());
    await egress.open();
    const colours = Uint8Array.from({ length: 18 }, (_, index) => index * 14);
    await egress.write([plainFrame([2, 3], Uint8Array.of(0, 50, 100, 150, 200, 255)), plainFrame([2, 3, 3], colours, { ordinal: 1 })]);
    const grey = await decode('detector-00.png');
    expect([grey.info.width, grey.info.height]).toEqual([3, 2]);
    expect([...grey.data].filter((_, index) => index % grey.info.channels === 0)).toEqual([0, 50, 100, 150, 200, 255]);
    expect([...(await decode('detector-01.png')).data]).toEqual([...colours]);
  });

  test('other numbers take the ends of viridis at min and max, beyond them too, and what is not finite is black', async () => {
    const egress = imageEgress.create({ path: '{ordinal}.png', min: 0, max: 100 }, context());
    await egress.open();
    await egress.write([plainFrame([1, 6], [-5, 0, 100, 1e9, Number.NaN, Number.POSITIVE_INFINITY])]);
    const { data } = await decode('0.png');
    const pixel = (index: number) => [...data.subarray(index * 3, index * 3 + 3)];
    // The ends of matplotlib's table: (68, 1, 84) and (253, 231, 37).
    const far = (index: number, colour: readonly number[]) =>
      Math.max(...pixel(index).map((level, channel) => Math.abs(level - colour[channel]!)));
    for (const index of [0, 1]) expect(far(index, [68, 1, 84])).toBeLessThanOrEqual(8);
    for (const index of [2, 3]) expect(far(index, [253, 231, 37])).toBeLessThanOrEqual(8);
    for (const index of [4, 5]) expect(pixel(index)).toEqual([0, 0, 0]);
  });

  test('integers without data are black and leave the contrast to the others, unless they are to be taken as values', async () => {
    // A raw Eiger frame: a tenth of the pixels lie in gaps, which hold all ones.
    const counts = Uint32Array.from({ length: 1000 }, (_, pixel) => (pixel % 10 === 0 ? 2 ** 32 - 1 : pixel));
    const colours: number[][] = [];
    for (const noData of [true, false]) {
      const egress = imageEgress.create({ path: `${noData}.png`, noData }, context());
      await egress.open();
      await egress.write([plainFrame([10, 100], counts)]);
      const { data } = await decode(`${noData}.png`);
      for (const pixel of [0, 1, 999]) colours.push([...data.subarray(pixel * 3, pixel * 3 + 3)]);
    }
    const [gap, dark, light, ones, low, high] = colours;
    expect(gap).toEqual([0, 0, 0]);
    expect(light![1]! - dark![1]!).toBeGreaterThan(200);
    expect(ones![1]! - low![1]!).toBeGreaterThan(200);
    expect(high).toEqual(low);
  });

  test('a logarithmic scale spreads small values', async () => {
    const frame = plainFrame([1, 3], Int32Array.of(0, 30, 1000));
    const middle: number[] = [];
    for (const scale of ['linear', 'log'] as const) {
      const egress = imageEgress.create({ path: `${scale}.png`, scale, min: 0, max: 1000 }, context());
      await egress.open();
      await egress.write([frame]);
      middle.push((await decode(`${scale}.png`)).data[4]!);
    }
    expect(middle[1]).toBeGreaterThan(middle[0]! + 50);
  });

  test('a path without a number is a live view: the last frame stays, and no other file', async () => {
    const egress = imageEgress.create({ path: 'live.webp' }, context());
    await egress.open();
    await egress.write([plainFrame([1, 1], Uint8Array.of(1)), plainFrame([2, 5], new Uint8Array(10), { ordinal: 1 })]);
    expect(readdirSync(folder)).toEqual(['live.webp']);
    expect((await decode('live.webp')).info).toMatchObject({ width: 5, height: 2 });
  });

  test('what is no picture is refused, the others are written', async () => {
    const egress = imageEgress.create({ path: '{ordinal}.jpg' }, context());
    await egress.open();
    const delivery = await egress.write([
      plainFrame([4], [1, 2, 3, 4]),
      plainFrame([0, 3], []),
      plainFrame([2, 2], [1, 2, 3, 4], { ordinal: 2 }),
    ]);
    expect(delivery?.refused?.map(({ index, reason }) => [index, reason]).sort()).toEqual([
      [0, 'encode-failed'],
      [1, 'encode-failed'],
    ]);
    expect(readdirSync(folder)).toEqual(['2.jpg']);
  });

  test.each([{ path: 'x.gif' }, { path: 'x.png', min: 2, max: 1 }])('%j is a mistake in the configuration', (options) => {
    expect(() => imageEgress.check!(options, { baseDir: folder })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }));
  });
});
