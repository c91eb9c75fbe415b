import { expect, test } from 'vitest';
import { oncePerMemory } from '../../src/kernels/once-per-memory.js';
import { createCorrectPixels } from '../../src/kernels/scalar/correct-pixels.js';
import { createThreshold } from '../../src/kernels/scalar/threshold.js';

const memory = (): WebAssembly.Memory => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });

test('a kernel is made once for a memory, and anew for another one', () => {
  const [a, b] = [memory(), memory()];
  let made = 0;
  const kernelOf = oncePerMemory((of) => ({ of, number: ++made }));
  expect([kernelOf(a), kernelOf(b), kernelOf(a), kernelOf(b)].map(({ number }) => number)).toEqual([1, 2, 1, 2]);
  expect([kernelOf(a).of === a, kernelOf(b).of === b]).toEqual([true, true]);
  for (const create of [createCorrectPixels, createThreshold]) {
    expect(create(a)).toBe(create(a));
    expect(create(a)).not.toBe(create(b));
  }
});
