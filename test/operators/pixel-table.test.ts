import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeNpy } from '../../src/codecs/npy.js';
import type { TypedArray } from '../../src/frame/dtype.js';
import { readPixelTable, toMask } from '../../src/operators/pixel-table.js';
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
