import { describe, expect, test } from 'vitest';
import type { VetoParams } from '../../src/operators/veto.js';
import { veto } from '../../src/operators/veto.js';
import { runOperator } from '../../src/testing.js';

const shape = [2, 3];
/** Ten frames; frame n has a total of n, in its last pixel. */
const frames = Array.from({ length: 10 }, (_, n) => ({ data: Uint16Array.of(0, 0, 0, 0, 0, n), shape }));
const kept = async (params: VetoParams): Promise<number[]> => (await runOperator(veto, params, frames)).map(({ ordinal }) => ordinal);

describe('veto', () => {
  test('keeps the frames whose total lies within the limits, both included', async () => {
    expect(await kept({ min: 7 })).toEqual([7, 8, 9]);
    expect(await kept({ max: 1 })).toEqual([0, 1]);
    expect(await kept({ min: 4, max: 6 })).toEqual([4, 5, 6]);
  });

  test('drops exactly the frames that it would keep when told so', async () => {
    expect(await kept({ min: 2, max: 8, action: 'drop' })).toEqual([0, 1, 9]);
  });

  test('counts the pixels over a level, the level itself excluded', async () => {
    expect(await kept({ statistic: 'count', level: 7, min: 1 })).toEqual([8, 9]);
    expect(await kept({ statistic: 'count', level: -1, min: 6 })).toHaveLength(10);
  });

  test('looks at the region only', async () => {
    expect(await kept({ roi: { y: [1, 2], x: [2, 3] }, min: 8 })).toEqual([8, 9]);
    expect(await kept({ roi: { y: [0, 2], x: [0, 2] }, min: 1 })).toEqual([]);
  });

  test('keeps every Nth of the rest by its ordinal', async () => {
    expect(await kept({ min: 8, every: 3 })).toEqual([0, 3, 6, 8, 9]);
  });

  test('a kept frame is handed on as it was', async () => {
    const [result] = await runOperator(veto, { min: 9 }, [{ ...frames[9]!, sequence: 77, meta: { a: 1 } }]);
    expect(result).toMatchObject({ sequence: 77, shape, dtype: 'uint16', meta: { a: 1 } });
    expect(Array.from(result!.data as Uint16Array)).toEqual([0, 0, 0, 0, 0, 9]);
  });

  test('NaN does not count, and a frame of NaN has a total of 0', async () => {
    const data = Float32Array.of(Number.NaN, Number.NaN, 3);
    expect(await runOperator(veto, { min: 3, max: 3 }, [{ data }])).toHaveLength(1);
    expect(await runOperator(veto, { statistic: 'count', level: 0, min: 2 }, [{ data }])).toHaveLength(0);
  });

  test('limits that are missing and levels that are misplaced are refused', async () => {
    for (const params of [{}, { statistic: 'count', min: 1 }, { level: 3, min: 1 }] as VetoParams[]) {
      await expect(runOperator(veto, params, frames)).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
    }
  });
});
