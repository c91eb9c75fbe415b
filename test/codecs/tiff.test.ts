import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memorySource } from '../../src/codecs/byte-source.js';
import { openTiff } from '../../src/codecs/tiff/open-tiff.js';
import { readTiff } from '../../src/codecs/tiff.js';
import { MillraceError } from '../../src/errors/errors.js';
import { pythonHas, runPython } from '../support/python.js';

type Entry = [tag: number, type: 2 | 3 | 4, values: number[]];

/** A file put together by hand from the TIFF 6.0 specification: header, directory, values that do not fit, then the data. */
function tiff(little: boolean, entries: Entry[], data: Buffer, next = 0): Buffer {
  const u16 = (value: number) => {
    const bytes = Buffer.alloc(2);
    little ? bytes.writeUInt16LE(value) : bytes.writeUInt16BE(value);
    return bytes;
  };
  const u32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    little ? bytes.writeUInt32LE(value) : bytes.writeUInt32BE(value);
    return bytes;
  };
  const outside: Buffer[] = [];
  let outsideAt = 8 + 2 + entries.length * 12 + 4;
  const directory = entries.map(([tag, type, values]) => {
    const body = Buffer.concat(values.map(type === 2 ? (value) => Buffer.from([value]) : type === 3 ? u16 : u32));
    let field = Buffer.concat([body, Buffer.alloc(4)]).subarray(0, 4);
    if (body.length > 4) {
      field = u32(outsideAt);
      outside.push(body);
      outsideAt += body.length;
    }
    return Buffer.concat([u16(tag), u16(type), u32(values.length), field]);
  });
  return Buffer.concat([
    Buffer.from(little ? 'II' : 'MM'),
    u16(42),
    u32(8),
    u16(entries.length),
    ...directory,
    u32(next),
    ...outside,
    data,
  ]);
}

const DATA_AT = (entries: number, outside = 0) => 8 + 2 + entries * 12 + 4 + outside;

/** Two strips of two rows and one row of int32 [3, 2], the second strip first in the file. */
function twoStrips(little: boolean, change: Record<number, Entry> = {}): Buffer {
  const at = DATA_AT(10, 16);
  const entries: Entry[] = [
    [256, 3, [2]],
    [257, 4, [3]],
    [258, 3, [32]],
    [259, 3, [1]],
    [262, 3, [1]],
    [273, 4, [at + 8, at]],
    [277, 3, [1]],
    [278, 3, [2]],
    [279, 4, [16, 8]],
    [339, 3, [2]],
  ];
  const data = Buffer.alloc(24);
  [5, -6, 1, -2, 3, -2147483648].forEach((value, index) => {
    little ? data.writeInt32LE(value, index * 4) : data.writeInt32BE(value, index * 4);
  });
  return tiff(
    little,
    entries.map((entry) => change[entry[0]] ?? entry),
    data,
  );
}

test.each([true, false])('int32 in two strips is read, little-endian %s', (little) => {
  expect(readTiff(twoStrips(little))).toEqual({ dtype: 'int32', shape: [3, 2], data: Int32Array.of(1, -2, 3, -2147483648, 5, -6) });
});

test.each<[string, Buffer, RegExp]>([
  ['no TIFF', Buffer.from('hello, world'), /byte order/],
  ['half a BigTIFF header', Buffer.from('II\x2b\x00\x08\x00\x00\x00', 'latin1'), /BigTIFF/],
  ['LZW that is none', twoStrips(true, { 259: [259, 3, [5]] }), /LZW/],
  ['Deflate that is none', twoStrips(true, { 259: [259, 3, [8]] }), /Deflate/],
  ['JPEG', twoStrips(true, { 259: [259, 3, [7]] }), /JPEG/],
  ['an unknown compression', twoStrips(true, { 259: [259, 3, [60000]] }), /60000/],
  ['three samples', twoStrips(true, { 277: [277, 3, [3]] }), /3 samples/],
  ['tiles without a length', twoStrips(true, { 262: [322, 3, [16]] }), /323 is missing/],
  ['planes of MetaMorph', twoStrips(true, { 262: [33629, 4, [7, 8, 9]] }), /3 planes/],
  ['12 bits', twoStrips(true, { 258: [258, 3, [12]] }), /12/],
  ['complex samples', twoStrips(true, { 339: [339, 3, [6]] }), /6\/32/],
  ['a predictor', twoStrips(true, { 262: [317, 3, [2]] }), /predictor/],
  ['strips that end outside', twoStrips(true, { 273: [273, 4, [9999, 8]] }), /ends at byte/],
  ['a strip that is too short', twoStrips(true, { 279: [279, 4, [15, 8]] }), /15 bytes/],
  ['too few strips', twoStrips(true, { 278: [278, 3, [1]] }), /2 strips, but 3/],
  ['an image larger than the file', twoStrips(true, { 256: [256, 4, [0x7fffffff]] }), /in a file of/],
  ['a missing width', twoStrips(true, { 256: [999, 3, [2]] }), /256 is missing/],
  ['a directory outside', Buffer.from('II\x2a\x00\xff\xff\x00\x00', 'latin1'), /outside/],
])('refused as a format error: %s', (_name, bytes, message) => {
  expect(() => readTiff(bytes)).toThrow(message);
  expect(() => readTiff(bytes)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT' }));
});

test('a chain of directories that leads back gives the first image, and an error in place of the rest', () => {
  const file = twoStrips(true);
  file.writeUInt32LE(8, 8 + 2 + 10 * 12);
  const stack = openTiff(memorySource(file));
  expect(stack.count).toBe(2);
  expect([...(stack.read(0).data as Int32Array)]).toEqual([1, -2, 3, -2147483648, 5, -6]);
  expect(() => stack.read(1)).toThrow(/page 2: the directories form a loop/);
  expect(() => readTiff(file)).toThrow(/2 images, but expected one/);
});

/** Pages of other sizes, a page that is missing and one that is cut off must show as such. */
test('a page of another shape is an error by its number, and the others are read', () => {
  const first = twoStrips(true);
  const second = twoStrips(true, { 257: [257, 4, [2]], 273: [273, 4, [8, 8]] });
  first.writeUInt32LE(first.length, 8 + 2 + 10 * 12);
  const stack = openTiff(memorySource(Buffer.concat([first, second.subarray(8)])));
  expect(stack.count).toBe(2);
  expect(stack.read(0).shape).toEqual([3, 2]);
  expect(() => stack.read(1)).toThrow(/page 2 is int32 \[2, 2\], but the first is int32 \[3, 2\]/);
});

test('a small file cannot ask for much memory: tiles, images and directories are held to what the file can hold', () => {
  const wide = twoStrips(true, { 256: [256, 4, [100000]], 257: [257, 4, [100000]], 259: [259, 3, [8]] });
  expect(() => readTiff(wide)).toThrow(/an image of 40000000000 bytes in a file of/);
  const tiles = tiff(
    true,
    [
      [256, 4, [2]],
      [257, 4, [2]],
      [258, 3, [8]],
      [259, 3, [8]],
      [322, 4, [1 << 20]],
      [323, 4, [1 << 20]],
      [324, 4, [8]],
      [325, 4, [8]],
    ],
    Buffer.alloc(8),
  );
  expect(() => readTiff(tiles)).toThrow(/tiles of 1048576 by 1048576/);
  const bomb = twoStrips(true, { 259: [259, 3, [8]] });
  expect(() => readTiff(Buffer.concat([bomb, Buffer.alloc(100)]))).toThrow(/Deflate/);
});

test('an image of one directory whose description announces more than the file holds is refused', () => {
  const text = [...Buffer.from('ImageJ=1.53\nimages=5\n\0')];
  const at = DATA_AT(8, text.length);
  const file = (images: number) =>
    tiff(
      true,
      [
        [256, 3, [2]],
        [257, 3, [1]],
        [258, 3, [8]],
        [259, 3, [1]],
        [270, 2, text],
        [273, 4, [at]],
        [278, 3, [1]],
        [279, 4, [2]],
      ],
      Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].slice(0, 2 * images)),
    );
  const stack = openTiff(memorySource(file(5)));
  expect(Array.from({ length: stack.count }, (_, index) => [...(stack.read(index).data as Uint8Array)])).toEqual([
    [1, 2],
    [3, 4],
    [5, 6],
    [7, 8],
    [9, 10],
  ]);
  expect(() => openTiff(memorySource(file(4)))).toThrow(/announces 5 images, but the file has one/);
});

test('a cut or damaged file never gives anything but a format error or an image of the announced size', () => {
  let seed = 7;
  const random = (limit: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  for (let round = 0; round < 5000; round++) {
    const whole = twoStrips(round % 2 === 0);
    const bytes = Buffer.from(whole.subarray(0, random(3) === 0 ? random(whole.length) : whole.length));
    for (let flips = random(4); flips >= 0 && bytes.length > 0; flips--) bytes[random(bytes.length)] = random(256);
    try {
      const image = readTiff(bytes);
      expect(image.data.length).toBe(image.shape[0]! * image.shape[1]!);
    } catch (error) {
      expect(error).toBeInstanceOf(MillraceError);
    }
  }
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tiff-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(!pythonHas('tifffile'))('what tifffile writes is read, for each dtype and byte order (needs python3 with tifffile)', () => {
  const dtypes = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'float64'];
  runPython(
    `import numpy, tifffile, sys\nfor t in ${JSON.stringify(dtypes)}:\n for o in "<>":\n  tifffile.imwrite(f"{sys.argv[1]}/{t}-{'le' if o == '<' else 'be'}.tif", (numpy.arange(35).reshape(5,7)*3).astype(t), byteorder=o, rowsperstrip=2)`,
    folder,
  );
  for (const dtype of dtypes) {
    for (const order of ['le', 'be']) {
      const image = readTiff(readFileSync(path.join(folder, `${dtype}-${order}.tif`)));
      expect(image).toMatchObject({ dtype, shape: [5, 7] });
      expect(Array.from(image.data as ArrayLike<number>)).toEqual(Array.from({ length: 35 }, (_, index) => index * 3));
    }
  }
});
