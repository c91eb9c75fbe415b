import { describe, expect, test } from 'vitest';
import { defineOperator } from '../src/operators/operator.js';
import { OPERATORS } from '../src/operators/registry.js';
import type { OperatorModule } from '../src/testing.js';
import { runOperator } from '../src/testing.js';

const frames = [{ data: Uint16Array.of(1, 2) }, { data: Uint16Array.of(3, 4), sequence: 40, timestamp: 5, meta: { run: 'a' } }];

describe('runOperator', () => {
  test('runs a short module with its parameters, filters included', async () => {
    const module: OperatorModule = ({ least }: { least: number }) => ({
      process(frame, out) {
        if ((frame.data[0] as number) >= least) out.emit(frame);
      },
    });
    const results = await runOperator(module, { least: 2 }, frames);
    expect(results.map(({ ordinal, sequence }) => [ordinal, sequence])).toEqual([[1, 40]]);
  });

  test('a created frame inherits sequence, timestamp and meta, and adds columns', async () => {
    const module: OperatorModule = () => ({
      async process(frame, out) {
        await Promise.resolve();
        const result = out.create({ shape: [1], dtype: 'float64', columns: ['sum'], meta: { n: frame.data.length } });
        result.data[0] = (frame.data as Uint16Array).reduce((sum, value) => sum + value, 0);
        out.emit(result);
      },
    });
    const results = await runOperator(module, {}, frames);
    expect(results[1]).toEqual({
      source: 'test',
      ordinal: 1,
      sequence: 40,
      timestamp: 5,
      shape: [1],
      dtype: 'float64',
      data: Float64Array.of(7),
      meta: { run: 'a', columns: ['sum'], n: 2 },
    });
  });

  test('results are copies that later frames do not change', async () => {
    const results = await runOperator(() => ({ process: (frame, out) => out.emit(frame) }), {}, frames);
    expect(results.map(({ data }) => Array.from(data as Uint16Array))).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(results[0]!.data.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test('constants and scratch are given aligned, in one shared memory', async () => {
    const operator = defineOperator({
      type: 'probe',
      description: '',
      parameters: {},
      prepare: () => ({ constants: { a: Uint8Array.of(7), b: Float64Array.of(0.5) }, scratchBytes: 100, state: 3 }),
      create: (_params, { constants, scratch, memory }, { state }) => ({
        process(frame, out) {
          expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
          for (const address of [constants.a!.address, constants.b!.address, scratch.address, frame.address]) {
            expect(address % 64).toBe(0);
            expect(address).toBeGreaterThan(0);
          }
          expect([constants.a!.array[0], new Float64Array(memory.buffer, constants.b!.address, 1)[0], scratch.bytes, state]).toEqual([
            7, 0.5, 100, 3,
          ]);
          out.emit(frame);
        },
      }),
    });
    expect(await runOperator(operator, {}, frames)).toHaveLength(2);
  });

  test.each<[string, OperatorModule]>([
    [
      'emits a frame twice',
      () => ({
        process(frame, out) {
          out.emit(frame);
          out.emit(frame);
        },
      }),
    ],
    ['creates too large a frame', () => ({ process: (_frame, out) => void out.create({ shape: [1 << 21], dtype: 'uint8' }) })],
    [
      'creates too many frames',
      () => ({
        process(_frame, out) {
          out.create({ shape: [1], dtype: 'uint8' });
          out.create({ shape: [1], dtype: 'uint8' });
        },
      }),
    ],
    ['emits a frame of its own making', () => ({ process: (frame, out) => out.emit({ ...frame }) })],
  ])('an operator that %s is refused', async (_what, module) => {
    await expect(runOperator(module, {}, frames)).rejects.toMatchObject({ code: 'ERR_OPERATOR_OUTPUT' });
  });

  test('what an operator throws arrives as ERR_OPERATOR with its cause, and close is called', async () => {
    const cause = new TypeError('no');
    let closed = false;
    const module: OperatorModule = () => ({
      process() {
        throw cause;
      },
      close() {
        closed = true;
      },
    });
    await expect(runOperator(module, {}, frames)).rejects.toMatchObject({ code: 'ERR_OPERATOR', cause });
    expect(closed).toBe(true);
  });

  test('an emission after process() settled is refused', async () => {
    let late: unknown;
    const module: OperatorModule = () => ({
      process(frame, out) {
        setImmediate(() => {
          try {
            out.emit(frame);
          } catch (error) {
            late = error;
          }
        });
      },
    });
    await runOperator(module, {}, frames);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(late).toMatchObject({ code: 'ERR_OPERATOR_OUTPUT' });
  });
});

describe('every operator that ships', () => {
  test.each([...OPERATORS.values()])('$type has a closed schema that compiles and refuses an unknown key', async ({ parameters }) => {
    const { Ajv2020 } = await import('ajv/dist/2020.js');
    const validate = new Ajv2020({ strict: true, allErrors: true, keywords: ['unit'] }).compile(parameters);
    expect(parameters.additionalProperties).toBe(false);
    expect(validate({ nobodyKnowsThis: 1 })).toBe(false);
    expect(JSON.stringify(validate.errors)).toContain('nobodyKnowsThis');
  });
});
