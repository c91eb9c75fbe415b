import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { npyHeader, readNpy, writeNpy } from '../../src/codecs/npy.js';
import { MillraceError } from '../../src/errors/errors.js';
import { DTYPES, type DType, typedView } from '../../src/frame/dtype.js';
import { pythonHas, runPython } from '../support/python.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'npy-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A file put together by hand from the layout in numpy's documentation. */
function npy(literal: string, items: Buffer, version: 1 | 2 | 3 = 1): Buffer {
  const header = Buffer.from(`${literal}\n`, 'latin1');
  const length = Buffer.alloc(version === 1 ? 2 : 4);
  if (version === 1) length.writeUInt16LE(header.length);
  else length.writeUInt32LE(header.length);
  return Buffer.concat([Buffer.from('\x93NUMPY', 'latin1'), Buffer.from([version, 0]), length, header, items]);
}
const literal = (descr: string, shape: string, fortran = 'False') =>
  `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }`;
const shorts = (...values: number[]) => Buffer.concat(values.map((value) => Buffer.from([value & 255, value >> 8])));

test.each([1, 2, 3] as const)('a file of version %i is read', (version) => {
  const array = readNpy(npy(literal("'<u2'", '(2, 3)'), shorts(1, 2, 3, 4, 5, 65535), version));
  expect(array).toEqual({ dtype: 'uint16', shape: [2, 3], data: Uint16Array.of(1, 2, 3, 4, 5, 65535) });
});

test('big-endian items are turned round', () => {
  expect(readNpy(npy(literal("'>u2'", '(2,)'), shorts(1, 2))).data).toEqual(Uint16Array.of(256, 512));
});

test.each(['<', '>'])('float16 becomes float32, byte order %s', (order) => {
  // 1.5, -2, the smallest fraction and infinity, from the definition of IEEE 754 binary16.
  const bits = [0x3e00, 0xc000, 0x0001, 0x7c00];
  const items = Buffer.concat(bits.map((half) => Buffer.from(order === '<' ? [half & 255, half >> 8] : [half >> 8, half & 255])));
  expect(readNpy(npy(literal(`'${order}f2'`, '(2, 2)'), items))).toEqual({
    dtype: 'float32',
    shape: [2, 2],
    data: Float32Array.of(1.5, -2, 2 ** -24, Number.POSITIVE_INFINITY),
  });
});

test('Fortran order becomes C order', () => {
  expect(readNpy(npy(literal("'<u2'", '(2, 3)', 'True'), shorts(1, 4, 2, 5, 3, 6))).data).toEqual(Uint16Array.of(1, 2, 3, 4, 5, 6));
});

test('booleans become uint8, and a scalar has the empty shape', () => {
  expect(readNpy(npy(literal("'|b1'", '()'), Buffer.from([1])))).toEqual({ dtype: 'uint8', shape: [], data: Uint8Array.of(1) });
});

test.each<[string, Buffer, RegExp]>([
  ['no magic', Buffer.from('hello, world, hello'), /magic/],
  ['an unknown version', Buffer.concat([Buffer.from('\x93NUMPY\x09\x00', 'latin1'), Buffer.alloc(20)]), /version 9/],
  ['a header beyond the file', Buffer.from('\x93NUMPY\x01\x00\xff\xff{}', 'latin1'), /header ends/],
  [
    'a huge header',
    Buffer.concat([Buffer.from('\x93NUMPY\x02\x00', 'latin1'), Buffer.from([255, 255, 255, 255]), Buffer.alloc(9)]),
    /header of/,
  ],
  ['objects', npy(literal("'|O'", '(1,)'), Buffer.alloc(8)), /'\|O'/],
  ['complex numbers', npy(literal("'<c16'", '(1,)'), Buffer.alloc(16)), /c16/],
  ['text', npy(literal("'<U3'", '(1,)'), Buffer.alloc(12)), /'<U3' is not supported \(text\)/],
  ['long doubles', npy(literal("'<f16'", '(1,)'), Buffer.alloc(16)), /astype\("f8"\)/],
  ['structures', npy(literal("[('a', '<u2')]", '(1,)'), Buffer.alloc(2)), /structured/],
  ['too few items', npy(literal("'<u2'", '(3,)'), shorts(1, 2)), /6 bytes/],
  ['bytes left over', npy(literal("'<u2'", '(1,)'), shorts(1, 2)), /2 bytes/],
  ['a negative side', npy(literal("'<u2'", '(-1,)'), shorts(1)), /shape/],
  ['a product beyond 2^53', npy(literal("'<u8'", '(4503599627370496, 4503599627370496)'), shorts(1)), /larger/],
  ['five dimensions', npy(literal("'<u2'", '(1, 1, 1, 1, 1)'), shorts(1)), /dimensions/],
])('refused as a format error: %s', (_name, bytes, message) => {
  expect(() => readNpy(bytes)).toThrow(message);
  expect(() => readNpy(bytes)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT' }));
});

test('writing refuses items that do not fit the shape', () => {
  expect(() => writeNpy({ dtype: 'uint16', shape: [3], data: Uint16Array.of(1, 2) })).toThrow(MillraceError);
  expect(() => writeNpy({ dtype: 'toString' as DType, shape: [1], data: Uint8Array.of(1) })).toThrow(MillraceError);
});

test('a header with room for growth keeps its length and its alignment', () => {
  const lengths = [0, 1, 123456, Number.MAX_SAFE_INTEGER].map((frames) => npyHeader('uint32', [frames, 3262, 3108], true).length);
  expect(new Set(lengths).size).toBe(1);
  expect(lengths[0]! % 64).toBe(0);
});

const sample = (dtype: DType) => {
  const view = typedView(dtype, new ArrayBuffer(6 * 8), 0, 6);
  for (let index = 0; index < 6; index++) view[index] = typeof view[0] === 'bigint' ? BigInt(index * 3) : index * 3;
  return view;
};

test.each(DTYPES.filter((dtype) => dtype !== 'bytes'))('what is written is read again: %s', (dtype) => {
  const array = { dtype, shape: [3, 2], data: sample(dtype) };
  expect(readNpy(writeNpy(array))).toEqual(array);
});

test.skipIf(!pythonHas('numpy'))('numpy reads what is written, for each dtype (needs python3 with numpy)', () => {
  for (const dtype of DTYPES) {
    writeFileSync(path.join(folder, `${dtype}.npy`), writeNpy({ dtype, shape: [3, 2], data: sample(dtype) }));
  }
  const lines = runPython(
    'import numpy, sys, glob, os\nfor f in sorted(glob.glob(sys.argv[1] + "/*.npy")):\n a = numpy.load(f)\n print(os.path.basename(f), a.dtype, a.shape, a.flags.c_contiguous, a.ravel().astype("i8").tolist())',
    folder,
  )
    .trim()
    .split('\n');
  expect(lines).toHaveLength(DTYPES.length);
  for (const dtype of DTYPES)
    expect(lines).toContain(`${dtype}.npy ${dtype === 'bytes' ? 'uint8' : dtype} (3, 2) True [0, 3, 6, 9, 12, 15]`);
});

test.skipIf(!pythonHas('numpy'))('what numpy writes is read, in every order of bytes and axes (needs python3 with numpy)', () => {
  runPython(
    `import numpy, sys
for name, t in [("lu2", "<u2"), ("bu2", ">u2"), ("li4", "<i4"), ("bi4", ">i4"), ("lf8", "<f8"), ("bf8", ">f8"), ("bi8", ">i8"), ("bool", "?")]:
    for o in "CF":
        a = numpy.arange(24).reshape(2, 3, 4) % (2 if t == "?" else 99)
        numpy.save(f"{sys.argv[1]}/in-{name}-{o}.npy", numpy.asarray(a, dtype=t, order=o))`,
    folder,
  );
  for (const type of ['lu2', 'bu2', 'li4', 'bi4', 'lf8', 'bf8', 'bi8', 'bool']) {
    for (const order of ['C', 'F']) {
      const { shape, data } = readNpy(readFileSync(path.join(folder, `in-${type}-${order}.npy`)));
      expect(shape).toEqual([2, 3, 4]);
      expect(Array.from(data as ArrayLike<number | bigint>, Number)).toEqual(
        Array.from({ length: 24 }, (_, index) => (type === 'bool' ? index % 2 : index)),
      );
    }
  }
});
