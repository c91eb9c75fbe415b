import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { writeNpy } from '../../src/codecs/npy.js';
import type { TypedArray } from '../../src/frame/dtype.js';
import { readPixelTable, toFloat32, toMask } from '../../src/operators/pixel-table.js';
import { seeded } from '../support/arena.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20_261_124);
const folder = mkdtempSync(join(tmpdir(), 'pixel-table-'));
afterAll(() => rmSync(folder, { recursive: true }));

test(`a mask is 1 exactly where the table is not zero, whatever its values, length and place in memory, seed ${SEED}`, () => {
  const random = seeded(SEED);
  for (let round = 0; round < 200; round++) {
    const length = 1 + random(40);
    const offset = random(9);
    const most = [1, 2, 256][random(3)]!;
    const table = new Uint8Array(offset + length).subarray(offset);
    for (let i = 0; i < length; i++) table[i] = random(most);
    if (round % 4 === 0) table[random(length)] = 1 << (1 + random(7));
    expect([...toMask(table)]).toEqual([...table].map((value) => (value ? 1 : 0)));
  }
  const others: TypedArray[] = [Float64Array.of(0, -0, Number.NaN, 1e-300), Int16Array.of(0, -1), BigInt64Array.of(0n, 256n)];
  expect(others.map((table) => [...toMask(table)])).toEqual([
    [0, 0, 1, 1],
    [0, 1],
    [0, 1],
  ]);
});

test('a table is read as it was written, at any offset of its items', async () => {
  for (const data of [Uint8Array.of(1, 2, 3, 4, 5, 6), Uint16Array.of(1, 2, 3, 4, 5, 65535), Float64Array.of(1, 2, 3, 4, 5, Math.PI)]) {
    const dtype = data instanceof Uint8Array ? 'uint8' : data instanceof Uint16Array ? 'uint16' : 'float64';
    const path = join(folder, `${dtype}.npy`);
    const bytes = writeNpy({ dtype, shape: [1, 2, 3], data });
    writeFileSync(path, bytes);
    expect(await readPixelTable('mask', path, folder)).toMatchObject({ shape: [2, 3], dtype, data });
    // One more space in the header: the items begin at an odd byte.
    const header = Buffer.from(bytes);
    const items = 10 + header.readUInt16LE(8);
    const moved = Buffer.concat([header.subarray(0, items - 1), Buffer.from(' \n'), header.subarray(items)]);
    moved.writeUInt16LE(items - 10 + 1, 8);
    writeFileSync(path, moved);
    expect(await readPixelTable('mask', path, folder)).toMatchObject({ shape: [2, 3], dtype, data });
  }
});

// Written by numpy, fabio, tifffile and h5py: test/golden/make-goldens.py, function `tables`.
const tables = fileURLToPath(new URL('../golden/tables', import.meta.url));
const MASK = Array.from({ length: 20 }, (_, pixel) => (pixel % 3 === 0 ? 1 : 0));

test.each(['mask.npy', 'mask.edf', 'mask.tif', 'mask.cbf', 'mask.h5'])(
  'the first bytes say the format of a table, and not its name: %s, as it is and in gzip',
  async (name) => {
    const bytes = readFileSync(join(tables, name));
    writeFileSync(join(folder, 'plain.dat'), bytes);
    writeFileSync(join(folder, 'packed.npy'), gzipSync(bytes));
    for (const file of [join(tables, name), join(folder, 'plain.dat'), join(folder, 'packed.npy')]) {
      const { shape, data } = await readPixelTable('mask', file, folder);
      expect(shape).toEqual([4, 5]);
      expect([...data].map(Number)).toEqual(MASK);
    }
  },
);

test('the dataset of a table in HDF5 stands behind ::', async () => {
  const { data } = await readPixelTable('mask', 'two.h5::/entry/other', tables);
  expect([...data]).toEqual(MASK.map((bit) => bit + 1));
  // The file holds another image beside the mask.
  expect([...(await readPixelTable('mask', 'two.h5', tables)).data]).toEqual(MASK);
  await expect(readPixelTable('mask', 'mask.npy::/mask', tables)).rejects.toMatchObject({
    code: 'ERR_CONFIG_FILE',
    message: expect.stringContaining('not HDF5'),
  });
});

test.each([
  ['no file', undefined, 'ENOENT'],
  ['an empty file', '', 'empty'],
  ['a text', 'not a mask', 'not NPY'],
  ['broken gzip', '\x1f\x8bxx', 'does not unpack'],
])('%s is refused with its path', async (_what, content, word) => {
  const path = join(folder, 'refused.bin');
  rmSync(path, { force: true });
  if (content !== undefined) writeFileSync(path, content, 'latin1');
  await expect(readPixelTable('mask', path, folder)).rejects.toMatchObject({
    code: 'ERR_CONFIG_FILE',
    message: expect.stringContaining(path),
  });
  await expect(readPixelTable('mask', path, folder)).rejects.toThrow(word);
});

test('an integer of a table that means no data becomes NaN, unless it is to be taken as a value', () => {
  const counts = { dtype: 'uint16', data: Uint16Array.of(0, 7, 65535) } as const;
  expect([...toFloat32(counts, true)]).toEqual([0, 7, Number.NaN]);
  expect([...toFloat32(counts, false)]).toEqual([0, 7, 65535]);
  expect([...toFloat32({ dtype: 'int32', data: Int32Array.of(-1, 3) }, true)]).toEqual([Number.NaN, 3]);
  expect([...toFloat32({ dtype: 'float32', data: Float32Array.of(-1, 3) }, true)]).toEqual([-1, 3]);
  expect([...toFloat32({ dtype: 'uint64', data: BigUint64Array.of(2n ** 64n - 1n, 3n) }, true)]).toEqual([Number.NaN, 3]);
});
