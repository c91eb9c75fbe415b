import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeNpy } from '../../src/codecs/npy.js';
import type { TypedArray } from '../../src/frame/dtype.js';
import { correctFlat } from '../../src/operators/correct-flat.js';
import { mask } from '../../src/operators/mask.js';
import { subtractDark } from '../../src/operators/subtract-dark.js';
import { threshold } from '../../src/operators/threshold.js';
import { runOperator } from '../../src/testing.js';

const shape = [2, 3];
const nan = Number.NaN;
let baseDir = '';

beforeAll(async () => {
  baseDir = await mkdtemp(join(tmpdir(), 'millrace-pixels-'));
  await writeFile(join(baseDir, 'mask.npy'), writeNpy({ dtype: 'int32', shape: [1, 2, 3], data: Int32Array.of(0, -4, 0, 0, 0, 1) }));
  await writeFile(join(baseDir, 'dark.npy'), writeNpy({ dtype: 'float64', shape, data: Float64Array.of(0, 1, 2, 0.5, 0, 10) }));
  await writeFile(join(baseDir, 'flat.npy'), writeNpy({ dtype: 'float32', shape, data: Float32Array.of(1, 2, 0, 0.5, 4, -1) }));
  await writeFile(join(baseDir, 'broken.npy'), 'not an array');
});
afterAll(() => rm(baseDir, { recursive: true }));

const ALL: TypedArray[] = [
  Uint8Array.of(0, 1, 2, 3, 4, 5),
  Int8Array.of(0, 1, 2, 3, 4, 5),
  Uint16Array.of(0, 1, 2, 3, 4, 5),
  Int16Array.of(0, 1, 2, 3, 4, 5),
  Uint32Array.of(0, 1, 2, 3, 4, 5),
  Int32Array.of(0, 1, 2, 3, 4, 5),
  Float32Array.of(0, 1, 2, 3, 4, 5),
  Float64Array.of(0, 1, 2, 3, 4, 5),
];

describe.each(ALL.map((data) => ({ name: data.constructor.name, data })))('on $name', ({ data }) => {
  test('mask makes NaN of what the table or a limit names, as float32', async () => {
    const [result] = await runOperator(mask, { file: 'mask.npy', above: 3 }, [{ data, shape }], { baseDir });
    expect(result!.dtype).toBe('float32');
    expect(result!.shape).toEqual(shape);
    expect(Array.from(result!.data as Float32Array)).toEqual([0, nan, 2, 3, nan, nan]);
  });

  test('subtract-dark subtracts the table in floating point', async () => {
    const [result] = await runOperator(subtractDark, { file: 'dark.npy' }, [{ data, shape }], { baseDir });
    expect(result!.dtype).toBe(data instanceof Float64Array ? 'float64' : 'float32');
    expect(Array.from(result!.data as Float32Array)).toEqual([0, 0, 0, 2.5, 4, -5]);
  });

  test('correct-flat divides by the table and gives NaN where that is 0', async () => {
    const [result] = await runOperator(correctFlat, { file: 'flat.npy' }, [{ data, shape }], { baseDir });
    expect(Array.from(result!.data as Float32Array)).toEqual([0, 0.5, nan, 6, 1, -5]);
  });

  test('threshold replaces values beyond the limits, which themselves stay', async () => {
    const [zeroed] = await runOperator(threshold, { below: 2, above: 4 }, [{ data, shape }]);
    expect(zeroed!.dtype).toBe(data instanceof Uint8Array ? 'uint8' : zeroed!.dtype);
    expect(zeroed!.data.constructor).toBe(data.constructor);
    expect(Array.from(zeroed!.data as Float32Array)).toEqual([0, 0, 2, 3, 4, 0]);
    const [clipped] = await runOperator(threshold, { below: 2, above: 4, put: 'limit' }, [{ data, shape }]);
    expect(Array.from(clipped!.data as Float32Array)).toEqual([2, 2, 2, 3, 4, 4]);
  });
});

describe('tables and limits', () => {
  test('mask without a table takes frames of any shape', async () => {
    const [result] = await runOperator(mask, { below: 0 }, [{ data: Int16Array.of(-1, 0, 1) }]);
    expect(Array.from(result!.data as Float32Array)).toEqual([nan, 0, 1]);
  });

  test('a frame of another shape than the table is refused with both shapes', async () => {
    const frame = { data: new Uint8Array(6), shape: [3, 2] };
    for (const [operator, file] of [
      [mask, 'mask.npy'],
      [subtractDark, 'dark.npy'],
      [correctFlat, 'flat.npy'],
    ] as const) {
      await expect(runOperator(operator, { file }, [frame], { baseDir, shape: undefined })).rejects.toMatchObject({
        code: 'ERR_OPERATOR_INPUT',
        message: expect.stringMatching(/3×2.*2×3/),
      });
      // The same, known when the pipeline is planned.
      await expect(runOperator(operator, { file }, [frame], { baseDir })).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    }
  });

  test('a stack is not an image, even of one', async () => {
    const frame = { data: new Uint8Array(6), shape: [2, 3, 1] };
    const run = runOperator(mask, { file: 'mask.npy' }, [frame], { baseDir, shape: undefined });
    await expect(run).rejects.toMatchObject({ code: 'ERR_OPERATOR_INPUT', message: expect.stringContaining('2×3×1') });
  });

  test('bytes are refused by name, at plan time where the dtype is known', async () => {
    const bytes = [{ data: new Uint8Array(6), dtype: 'bytes' as const }];
    await expect(runOperator(mask, { below: 0 }, bytes)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    await expect(runOperator(mask, { below: 0 }, bytes, { dtype: undefined })).rejects.toMatchObject({ code: 'ERR_OPERATOR_INPUT' });
  });

  test('a table that is missing or broken is an error of the configuration', async () => {
    for (const file of ['absent.npy', 'broken.npy', 'absent.npy.gz']) {
      await expect(runOperator(mask, { file }, [], { baseDir })).rejects.toMatchObject({
        code: 'ERR_CONFIG_FILE',
        message: expect.stringContaining(file),
      });
    }
  });

  test('an operator that could do nothing is refused', async () => {
    await expect(runOperator(mask, {}, [])).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    await expect(runOperator(threshold, {}, [])).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
  });

  test('threshold refuses to put a value that the dtype of the frame cannot hold', async () => {
    for (const put of [-1, 256, 0.5]) {
      const run = (options = {}) => runOperator(threshold, { above: 1, put }, [{ data: new Uint8Array(3) }], options);
      const message = expect.stringContaining(`${put}`);
      await expect(run()).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID', message });
      await expect(run({ dtype: undefined })).rejects.toMatchObject({ code: 'ERR_OPERATOR_INPUT', message });
    }
  });
});
