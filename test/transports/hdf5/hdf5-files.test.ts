import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHdf5Frames } from '../../../src/transports/h5wasm.js';
import { HEIGHT, pixels, readAll, unpackFiles, WIDTH } from './unpack-files.js';

let folder: string;
const at = (name: string) => path.join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'hdf5-'));
  unpackFiles(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stack = [pixels(0), pixels(1), pixels(2)];

describe('filters', () => {
  const codecs = ['blosclz', 'lz4', 'zlib', 'zstd'].flatMap((codec) => [0, 1, 2].map((shuffle) => `blosc-${codec}-${shuffle}`));
  test.each([
    ...['plain', 'gzip', 'gzip-fletcher32', 'lzf', 'szip', 'scaleoffset', 'bzip2', 'lz4', 'lz4-small-blocks', 'zstd', 'bitshuffle'],
    ...['bitshuffle-lz4', 'bitshuffle-lz4-small-blocks', 'bitshuffle-zstd', ...codecs],
  ])('%s gives the pixels that were written', async (name) => {
    expect(await readAll(at('filters.h5'), name)).toEqual({ dtype: 'uint16', shape: [HEIGHT, WIDTH], frames: stack });
  });

  const types = ['uint8', 'uint16-big', 'int32', 'float32-big', 'float64', 'uint64', 'float16'];
  test.each(['gzip', 'lzf', 'bitshuffle-lz4', 'blosc-zstd-1'].flatMap((filter) => types.map((type) => `${filter}/${type}`)))(
    'tiles over the edge of the image, several frames in each: %s',
    async (name) => {
      const type = name.split('/')[1]!.replace('-big', '');
      const { dtype, frames } = await readAll(at('filters.h5'), `tiles/${name}`);
      expect(dtype).toBe(type === 'float16' ? 'float32' : type);
      expect(frames).toEqual(stack);
    },
  );

  test('a filter that is not read is refused by name and id', async () => {
    await expect(openHdf5Frames(at('filters.h5'), 'blosc2')).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: expect.stringMatching(/\/blosc2.*filter blosc2 \(id 32026\)/),
    });
  });
});

test('numbers of 12 bits are read by the HDF5 library, and a filter that it lacks is refused by name', async () => {
  for (const name of ['plain', 'nbit']) expect((await readAll(at('odd-bits.h5'), name)).frames).toEqual(stack);
  await expect(openHdf5Frames(at('odd-bits.h5'), 'bitshuffle')).rejects.toThrow(
    /filter bitshuffle \(id 32008\), which is not supported for pixels of this type/,
  );
});

describe.each(['layouts-old.h5', 'layouts-new.h5'])('layouts of %s', (file) => {
  test.each(['fixed', 'growing', 'growing-twice', 'growing-fast'].flatMap((name) => [name, `${name}-gzip`]))(
    'each of 1100 chunks is found: %s',
    async (name) => {
      const { frames } = await readAll(at(file), name);
      expect(frames).toEqual(Array.from({ length: 1100 }, (_, frame) => pixels(frame, 2, 4)));
    },
  );

  test.each(['one-chunk', 'one-chunk-gzip', 'contiguous', 'compact', 'early', 'named-type', 'one-threshold'])('%s', async (name) => {
    const { shape, frames } = await readAll(at(file), name);
    expect(shape).toEqual([HEIGHT, WIDTH]);
    expect(frames).toEqual(stack);
  });

  test('an image is one frame, a grid of images as many as it has places, row by row', async () => {
    expect((await readAll(at(file), 'image')).frames).toEqual([pixels(0)]);
    const grid = await readAll(at(file), 'grid');
    expect(grid.shape).toEqual([HEIGHT, WIDTH]);
    expect(grid.frames).toEqual([0, 1, 2, 3, 4, 5].map((frame) => pixels(frame)));
  });

  test('a frame that was never written is an error; an unwritten part of one has the fill value', async () => {
    const { frames } = await readAll(at(file), 'partial');
    const upper = pixels(1).map((value, index) => (index < 6 * WIDTH ? value : 7));
    expect(frames).toEqual([pixels(0), upper, expect.stringMatching(/frame 2 of \/partial.*never written/)]);
    await expect(openHdf5Frames(at(file), 'never')).rejects.toMatchObject({
      code: 'ERR_FORMAT',
      message: expect.stringMatching(/never written|ever written/),
    });
  });
});

describe('virtual datasets', () => {
  test.each<[string, number[]]>([
    ['stack', [0, 1, 2, 3, 4, 5]],
    ['turns', [0, 3, 1, 4, 2, 5]],
  ])('%s is put together from its sources', async (name, order) => {
    expect((await readAll(at('virtual.h5'), name)).frames).toEqual(order.map((frame) => pixels(frame)));
  });

  test('the gap between modules has the fill value', async () => {
    const { shape, frames } = await readAll(at('virtual.h5'), 'modules');
    expect(shape).toEqual([HEIGHT, 2 * WIDTH + 2]);
    const [left, right] = [pixels(1), pixels(4)];
    const rows = Array.from({ length: HEIGHT }, (_, row) => [
      ...left.slice(row * WIDTH, (row + 1) * WIDTH),
      99,
      99,
      ...right.slice(row * WIDTH, (row + 1) * WIDTH),
    ]);
    expect(frames[1]).toEqual(rows.flat());
  });

  test('a source that is missing costs its frames only, and the error names it', async () => {
    const alone = mkdtempSync(path.join(folder, 'alone-'));
    for (const name of ['virtual.h5', 'source-0.h5']) copyFileSync(at(name), path.join(alone, name));
    const { frames } = await readAll(path.join(alone, 'virtual.h5'), 'stack');
    expect(frames.slice(0, 3)).toEqual(stack);
    for (const index of [3, 4, 5])
      expect(frames[index]).toMatch(new RegExp(`frame ${index} of /stack.*source-1\\.h5 is missing.*${alone}`));
    const modules = await readAll(path.join(alone, 'virtual.h5'), 'modules');
    expect(modules.frames).toEqual(
      [0, 1, 2].map((index) => expect.stringMatching(new RegExp(`frame ${index} of /modules.*source-1\\.h5 is missing`))),
    );
  });

  test('frames that a source does not have are errors, not fill values', async () => {
    const { frames } = await readAll(at('virtual.h5'), 'short');
    expect(frames.slice(0, 3)).toEqual(stack);
    for (const index of [3, 4, 5]) expect(frames[index]).toMatch(/source-0\.h5 has fewer items/);
    for (const index of [6, 7]) expect(frames[index]).toMatch(/belongs to no source/);
  });
});

describe('files that their writer did not close', () => {
  test.each(['swmr.h5', 'killed.h5', 'killed-old.h5'])('%s is read as far as it was written', async (name) => {
    expect((await readAll(at(name))).frames).toEqual(stack);
  });

  test('a file that is cut off gives the frames that are there', async () => {
    const bytes = readFileSync(at('layouts-old.h5'));
    const whole = await readAll(at('layouts-old.h5'), 'fixed');
    writeFileSync(at('cut.h5'), bytes.subarray(0, bytes.length - 2000));
    for (const name of ['fixed', 'contiguous', 'never', 'partial', 'growing-gzip']) {
      const result = await readAll(at('cut.h5'), name).catch((error: { code: string; message: string }) => error);
      if (!('frames' in result)) {
        expect(result.code).toMatch(/ERR_FORMAT|ERR_CONFIG_INVALID/);
        continue;
      }
      const expected = name === 'fixed' ? whole : await readAll(at('layouts-old.h5'), name);
      result.frames.forEach((frame, index) => {
        if (typeof frame !== 'string') expect(frame).toEqual(expected.frames[index]);
      });
    }
  });
});

describe('which dataset', () => {
  test('the one that @default and @signal name', async () => {
    expect((await readAll(at('nexus.h5'))).frames).toEqual(stack);
  });

  test('the @signal of a group that is named', async () => {
    expect((await readAll(at('nexus.h5'), '/entry/data')).frames).toEqual(stack);
    expect((await readAll(at('nexus.h5'), 'entry/data/other')).frames).toEqual([50, 51, 52].map((frame) => pixels(frame)));
  });

  test('the data files of an Eiger master follow each other in the order of their numbers', async () => {
    const all = [0, 1, 2, 3, 4, 5].map((frame) => pixels(frame));
    expect((await readAll(at('scan_master.h5'))).frames).toEqual(all);
    expect((await readAll(at('scan_master.h5'), '/entry/data/data_*')).frames).toEqual(all);
    expect((await readAll(at('scan_master.h5'), '/entry/data/data_000002')).frames).toEqual(all.slice(2, 4));
    expect((await readAll(at('scan_master.h5'), '/entry/first')).frames).toEqual(all.slice(0, 2));
  });

  test('a data file of an Eiger master that is missing is named, and the others are read', async () => {
    const alone = mkdtempSync(path.join(folder, 'eiger-'));
    for (const name of ['scan_master.h5', 'scan_data_000001.h5', 'scan_data_000010.h5']) copyFileSync(at(name), path.join(alone, name));
    const { frames } = await readAll(path.join(alone, 'scan_master.h5'));
    expect(frames).toEqual([
      pixels(0),
      pixels(1),
      expect.stringMatching(/data_000002.*scan_data_000002\.h5 is missing/),
      pixels(4),
      pixels(5),
    ]);
  });

  test('where several can be meant, the error lists them and the option', async () => {
    await expect(openHdf5Frames(at('several.h5'))).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringMatching(/option dataset.*\/a\/frames \(uint16, 3 x 12 x 18\), \/b\/frames \(float32, 3 x 12 x 18\)/),
    });
  });

  test.each<[string, string, string, RegExp]>([
    ['a name that is not there', 'nothing', 'ERR_CONFIG_INVALID', /no dataset "nothing" in several\.h5; it has \/a\/frames, \/b\/frames/],
    ['text', 'text', 'ERR_FORMAT', /are not pixels/],
    ['a link to a file that is missing', 'broken', 'ERR_FORMAT', /no-such-file\.h5 is missing/],
  ])('%s is refused', async (_what, dataset, code, message) => {
    await expect(openHdf5Frames(at('several.h5'), dataset)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('what is no HDF5 file', () => {
  test.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(), /empty/],
    ['text', Buffer.from('no HDF5 '.repeat(200)), /not an HDF5 file/],
    ['a signature alone', Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a), /version -1|superblock/],
  ])('%s', async (name, bytes, message) => {
    writeFileSync(at(`${name}.h5`), bytes);
    await expect(openHdf5Frames(at(`${name}.h5`))).rejects.toMatchObject({ code: 'ERR_FORMAT', message: expect.stringMatching(message) });
  });
});

test('a chunk of several frames is unpacked once', async () => {
  copyFileSync(at('filters.h5'), at('emptied.h5'));
  const frames = await openHdf5Frames(at('emptied.h5'), 'tiles/gzip/int32');
  const items = (index: number) => [...new Int32Array(Uint8Array.from(frames.read(index)).buffer)];
  expect(items(0)).toEqual(pixels(0));
  // Nothing can be read from the file any more: frame 1 is in the chunks of frame 0, frame 2 is not.
  truncateSync(at('emptied.h5'));
  expect(items(1)).toEqual(pixels(1));
  expect(() => frames.read(2)).toThrow(/frame 2 of \/tiles\/gzip\/int32.*the file ends/);
  frames.close();
});

test.skipIf(!existsSync('/proc/self/fd'))(
  'damaged files give coded errors or frames, and do not pile up open files (needs /proc)',
  async () => {
    const seed = Number(process.env.MILLRACE_TEST_SEED ?? 20261130);
    let state = seed;
    const random = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const wanted: [string, string | undefined][] = [
      ['layouts-old.h5', 'growing-gzip'],
      ['layouts-new.h5', 'fixed-gzip'],
      ['layouts-new.h5', 'growing-twice'],
      ['virtual.h5', 'modules'],
      ['filters.h5', 'bitshuffle-lz4'],
      ['nexus.h5', undefined],
      ['scan_master.h5', undefined],
      ['killed.h5', undefined],
    ];
    const openBefore = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 80; round++) {
      const [name, dataset] = wanted[round % wanted.length]!;
      const bytes = readFileSync(at(name));
      for (let change = random(5); change >= 0; change--) {
        // Most structures are at the beginning.
        const place = random(3) ? random(Math.min(bytes.length, 6000)) : random(bytes.length);
        bytes[place] = random(2) ? random(256) : bytes[place]! ^ (1 << random(8));
      }
      const bent = at(`bent-${round}.h5`);
      writeFileSync(bent, random(8) ? bytes : bytes.subarray(0, random(bytes.length)));
      try {
        const opened = await openHdf5Frames(bent, dataset);
        for (let index = 0; index < Math.min(opened.count, 20); index++) {
          try {
            opened.read(index);
          } catch (error) {
            expect(error, `seed ${seed}, round ${round}, frame ${index}`).toMatchObject({ code: 'ERR_FORMAT' });
          }
        }
        opened.close();
      } catch (error) {
        expect(error, `seed ${seed}, round ${round}`).toMatchObject({ code: expect.stringMatching(/^ERR_(FORMAT|CONFIG_INVALID)$/) });
      }
    }
    // The library keeps a few damaged files open on which it gave up half-way.
    expect(readdirSync('/proc/self/fd').length - openBefore).toBeLessThan(20);
  },
);
