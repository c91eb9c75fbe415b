import { expect, test } from 'vitest';
import { array10 } from '../../src/codecs/array-1.0.js';
import { readDTypeName } from '../../src/codecs/dtype-names.js';
import { json } from '../../src/codecs/json.js';
import { parseLenientJson } from '../../src/codecs/lenient-json.js';
import { msgpack } from '../../src/codecs/msgpack.js';
import { pythonHas, runPython } from '../support/python.js';

const decode = (header: object | string, data: number[] = [1, 2, 3, 4]) =>
  array10.decode([Buffer.from(typeof header === 'string' ? header : JSON.stringify(header)), Buffer.from(data)]);

test.each([
  ['uint16', 'uint16', undefined],
  ['<u2', 'uint16', false],
  ['>u2', 'uint16', true],
  ['=u2', 'uint16', undefined],
  ['|u1', 'uint8', undefined],
  ['bool', 'uint8', undefined],
  ['|b1', 'uint8', undefined],
  ['float', 'float64', undefined],
  ['>f4', 'float32', true],
  ["dtype('uint16')", 'uint16', undefined],
  ["dtype('>i4')", 'int32', true],
  ["<class 'numpy.float32'>", 'float32', undefined],
  ['numpy.int8', 'int8', undefined],
] as const)("numpy's name %s is %s", (name, dtype, bigEndian) => {
  expect(readDTypeName(name)).toEqual(bigEndian === undefined ? { dtype } : { dtype, bigEndian });
});

test.each(['complex64', '<c8', 'O', 'toString', '__proto__', 'long', 'l', '<', '', 'x'.repeat(1000), 5, null, ['u2']])(
  'the name %s is none that is taken',
  (name) => {
    expect(readDTypeName(name)).toBeUndefined();
  },
);

test('a refused name comes with those that are taken', () => {
  expect(() => decode({ htype: 'array-1.0', shape: [2], type: 'complex64' })).toThrow(
    /type is "complex64": accepted are uint8, .*float64, bool.*"<u2"/,
  );
});

test('big-endian items are swapped, and a contradiction is refused', () => {
  expect([...decode({ htype: 'array-1.0', shape: [2], type: '>u2' }).data]).toEqual([2, 1, 4, 3]);
  expect([...decode({ htype: 'array-1.0', shape: [2], type: 'uint16', endianess: 'big' }).data]).toEqual([2, 1, 4, 3]);
  expect([...decode({ htype: 'array-1.0', shape: [2], type: '<u2' }).data]).toEqual([1, 2, 3, 4]);
  expect(() => decode({ htype: 'array-1.0', shape: [2], type: '<u2', endianess: 'big' })).toThrow(/omit one of them/);
});

test('the recipe send_array of pyzmq is taken: dtype and shape, without htype', () => {
  const frame = decode({ dtype: 'uint16', shape: [2] });
  expect(frame).toMatchObject({ dtype: 'uint16', shape: [2] });
  expect(frame.meta).toBeUndefined();
});

test('words of Python in keys that travel become texts, and a time that is not a number is none', () => {
  const header =
    '{"htype":"array-1.0","shape":[4],"type":"uint8","t":NaN,"deep":[-Infinity,{"x": Infinity}],"text":"NaN, \\"Infinity","timestamp":NaN}';
  const frame = decode(header);
  expect(frame.meta).toEqual({ t: 'NaN', deep: ['-Infinity', { x: 'Infinity' }], text: 'NaN, "Infinity' });
  expect(frame.timestamp).toBeUndefined();
  expect(() => decode('{"htype":"array-1.0","shape":[4],"type":"uint8","frame":NaN}')).toThrow(/frame is "NaN"/);
  expect(() => decode('{"htype":"array-1.0","shape":[NaN],"type":"uint8"}')).toThrow(/shape/);
  expect(() => decode('{"htype":"array-1.0","shape":[4],"type":"uint8","t":NaNs}')).toThrow(/not JSON/);
});

test('a header of quotes and words is read in one pass', () => {
  const started = performance.now();
  for (const text of ['"\\"'.repeat(20000), 'NaN'.repeat(20000), '"'.repeat(60001), '-'.repeat(60000)])
    expect(() => parseLenientJson(text)).toThrow(SyntaxError);
  expect(performance.now() - started).toBeLessThan(5000);
});

test('floats of msgpack that are not finite travel as the same texts', () => {
  const head = Buffer.from([0x85, 0xa5, ...Buffer.from('shape'), 0x91, 0x01, 0xa4, ...Buffer.from('type'), 0xa5, ...Buffer.from('uint8')]);
  const nan = Buffer.from([0xa1, 0x74, 0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0, 0xa1, 0x75, 0x91, 0xca, 0xff, 0x80, 0, 0]);
  const data = Buffer.from([0xa4, ...Buffer.from('data'), 0xc4, 1, 9]);
  expect(msgpack.decode([Buffer.concat([head, nan, data])])).toMatchObject({ shape: [1], meta: { t: 'NaN', u: ['-Infinity'] } });
});

test('items of json may be the words of Python', () => {
  const { data } = json.decode([Buffer.from('{"data":[1.5,NaN,-Infinity,null]}')]);
  expect(Array.from(new Float64Array(data.buffer))).toEqual([1.5, Number.NaN, Number.NEGATIVE_INFINITY, Number.NaN]);
});

test.skipIf(!pythonHas('numpy'))('every name that numpy gives a dtype is read as numpy means it (needs python3 with numpy)', () => {
  const lines = runPython(
    'import numpy\nfor c in "?bBhHiIqQfd":\n d = numpy.dtype(c)\n for n in (d.name, d.str, repr(d), str(d.type), str(d.newbyteorder(">")), d.char): print(n, "uint8" if d.name == "bool" else d.name, sep="\\t")',
  );
  for (const line of lines.trim().split('\n')) {
    const [name, dtype] = line.split('\t');
    expect([name, readDTypeName(name)?.dtype]).toEqual([name, dtype]);
  }
});
