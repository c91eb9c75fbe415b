import { describe, expect, test } from 'vitest';
import type { DType, TypedArray } from '../../src/frame/dtype.js';
import { dtypeCode, itemSize, typedView } from '../../src/frame/dtype.js';
import { instantiateIntegrateAzimuthal, loadIntegrateAzimuthal } from '../../src/kernels/load-integrate-azimuthal.js';
import type { IntegrateAzimuthalKernel } from '../../src/kernels/scalar/integrate-azimuthal.js';
import { createIntegrateAzimuthal, NO_LOWER_LIMIT, NO_UPPER_LIMIT } from '../../src/kernels/scalar/integrate-azimuthal.js';
import { lcg } from '../golden/lcg.js';

const BINS = 37;
const MOST = 300;
const SOURCE = 64;
const BIN_TABLE = SOURCE + MOST * 8;
const NORM = BIN_TABLE + MOST * 2 + 8;
const DARK = NORM + MOST * 4;
const SUMS = 8192;
const SUMS_BYTES = (BINS + 1) * 32;

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const all = new Uint8Array(memory.buffer);
const DTYPES: DType[] = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'float64'];
const LIMITS = [
  { name: 'no limits', below: NO_LOWER_LIMIT, above: NO_UPPER_LIMIT, dark: 0 },
  { name: 'a dark', below: NO_LOWER_LIMIT, above: NO_UPPER_LIMIT, dark: DARK },
  { name: 'limits', below: 3, above: 100, dark: 0 },
  { name: 'limits and a dark', below: 3, above: 100, dark: DARK },
];

/** Fills the memory anew: items from `fill`, bins, norms and darks from a seed; stale sums everywhere. */
function prepare(dtype: DType, seed: number, fill: (index: number, random: number) => number): void {
  all.fill(0xa5);
  const random = lcg(seed, MOST * 4);
  const items = typedView(dtype, memory.buffer, SOURCE, MOST) as Float64Array;
  const bins = new Uint16Array(memory.buffer, BIN_TABLE, MOST);
  const norm = new Float32Array(memory.buffer, NORM, MOST);
  const dark = new Float32Array(memory.buffer, DARK, MOST);
  for (let i = 0; i < MOST; i++) {
    items[i] = fill(i, random[i]!);
    // Some name the bin of nothing, some lie.
    bins[i] = random[MOST + i]! % 40 === 39 ? 65535 : random[MOST + i]! % (BINS + 1);
    norm[i] = 0.5 + random[2 * MOST + i]! / 65536;
    dark[i] = random[3 * MOST + i]! / 4096;
  }
}

function run(kernel: IntegrateAzimuthalKernel, dtype: DType, pixels: number, { below, above, dark }: (typeof LIMITS)[number]): Buffer {
  kernel(dtypeCode(dtype), SOURCE, pixels, BIN_TABLE, BINS, NORM, dark, below, above, SUMS);
  // The last row is that of no bin: NaN may stand in it, whose bits are not defined.
  return Buffer.from(all.slice(SUMS, SUMS + SUMS_BYTES - 32));
}

/** The definition in its plainest form. */
function expected(dtype: DType, pixels: number, { below, above, dark }: (typeof LIMITS)[number]): number[] {
  const sums = new Array<number>(BINS * 4).fill(0);
  const items = typedView(dtype, memory.buffer, SOURCE, MOST) as TypedArray & ArrayLike<number>;
  for (let i = 0; i < pixels; i++) {
    const bin = new Uint16Array(memory.buffer, BIN_TABLE)[i]!;
    if (bin >= BINS) continue;
    const raw = Number(items[i]);
    if (Number.isFinite(raw) && raw >= below && raw <= above) {
      sums[bin * 4]! += dark ? raw - new Float32Array(memory.buffer, DARK)[i]! : raw;
      sums[bin * 4 + 1]! += Math.max(raw, 1);
    } else {
      sums[bin * 4 + 2]! += new Float32Array(memory.buffer, NORM)[i]!;
      sums[bin * 4 + 3]! += 1;
    }
  }
  return sums;
}

const scalar = createIntegrateAzimuthal(memory);
const wasm = instantiateIntegrateAzimuthal(memory);

test('the WebAssembly form is built', () => {
  expect(wasm).toBeTypeOf('function');
});

describe.each(DTYPES)('integrateAzimuthal on %s', (dtype) => {
  const float = dtype.startsWith('float');
  const fills: [string, (index: number, random: number) => number][] = [
    ['zeros', () => 0],
    ['one-hot', (index) => (index === 17 ? 1 : 0)],
    ['all ones', () => (float ? Number.NaN : 2 ** (itemSize(dtype) * 8) - 1)],
    ['seeded random', (_index, random) => random % 128],
    [
      'seeded random with signs and holes',
      (index, random) => (float && index % 7 === 0 ? [Number.NaN, Infinity, -Infinity][index % 3]! : random / 3 - 9000),
    ],
  ];

  test.each(fills)('both forms give the sums of the definition, and the same bytes: %s', (_name, fill) => {
    for (const limits of LIMITS) {
      for (const pixels of [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, MOST]) {
        prepare(dtype, 100 + pixels, fill);
        const sums = expected(dtype, pixels, limits);
        const first = run(scalar, dtype, pixels, limits);
        expect(Array.from(new Float64Array(new Uint8Array(first).buffer)), limits.name).toEqual(sums);
        expect(run(wasm!, dtype, pixels, limits).equals(first), `${limits.name}, ${pixels} pixels`).toBe(true);
      }
    }
  });

  test('neither form writes outside its sums', () => {
    for (const kernel of [scalar, wasm!]) {
      prepare(dtype, 5, (_index, random) => random);
      const before = Buffer.from(all.slice());
      run(kernel, dtype, MOST, LIMITS[3]!);
      const after = Buffer.from(all.slice());
      expect(after.subarray(0, SUMS).equals(before.subarray(0, SUMS))).toBe(true);
      expect(after.subarray(SUMS + SUMS_BYTES).equals(before.subarray(SUMS + SUMS_BYTES))).toBe(true);
    }
  });
});

test('the environment can ask for the scalar form', () => {
  const before = process.env.MILLRACE_KERNELS;
  // A function exported by WebAssembly shows as native code.
  const isWasm = () => /native code/.test(Function.prototype.toString.call(loadIntegrateAzimuthal(memory)));
  try {
    delete process.env.MILLRACE_KERNELS;
    expect(isWasm()).toBe(true);
    process.env.MILLRACE_KERNELS = 'scalar';
    expect(isWasm()).toBe(false);
  } finally {
    if (before === undefined) delete process.env.MILLRACE_KERNELS;
    else process.env.MILLRACE_KERNELS = before;
  }
});
