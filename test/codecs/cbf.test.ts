import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { openCbf, readCbf } from '../../src/codecs/cbf.js';
import { MillraceError } from '../../src/errors/errors.js';
import { isFull } from '../support/test-size.js';

const shared = process.env.MILLRACE_SHARED ?? path.resolve(import.meta.dirname, '../../../shared');
const thaumatin = path.join(shared, 'data/dials-ccby4/thau_3_2_0001.cbf.bz2');

interface Parts {
  width?: number;
  height?: number;
  size?: number;
  md5?: string;
  conversion?: string;
  type?: string;
}

function cbf(packed: number[], parts: Parts = {}): Buffer {
  const data = Buffer.from(packed);
  const md5 = parts.md5 ?? createHash('md5').update(data).digest('base64');
  const text = [
    '###CBF: VERSION 1.5',
    'data_x',
    '_array_data.data',
    ';',
    '--CIF-BINARY-FORMAT-SECTION--',
    'Content-Type: application/octet-stream;',
    `     conversions="${parts.conversion ?? 'x-CBF_BYTE_OFFSET'}"`,
    'Content-Transfer-Encoding: BINARY',
    `X-Binary-Size: ${parts.size ?? data.length}`,
    `X-Binary-Element-Type: "${parts.type ?? 'signed 32-bit integer'}"`,
    'X-Binary-Element-Byte-Order: LITTLE_ENDIAN',
    `Content-MD5: ${md5}`,
    `X-Binary-Size-Fastest-Dimension: ${parts.width ?? 2}`,
    `X-Binary-Size-Second-Dimension: ${parts.height ?? 2}`,
    '',
    '',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(text, 'latin1'), Buffer.from([0x0c, 0x1a, 0x04, 0xd5]), data]);
}

// 5, then +300 (16 bit), then +70000 (32 bit), then a difference that needs 64 bit: to -2147483648.
const packed = [5, 0x80, 0x2c, 0x01, 0x80, 0x00, 0x80, 0x70, 0x11, 0x01, 0x00, 0x80, 0x00, 0x80, 0, 0, 0, 0x80];

function int64(value: bigint): number[] {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return [...bytes];
}

test('every width of a difference is followed', () => {
  const image = readCbf(cbf([...packed, ...int64(-2147483648n - 70305n)]));
  expect([...image.data]).toEqual([5, 305, 70305, -2147483648]);
  expect(image.shape).toEqual([2, 2]);
  expect(image.header).toContain('data_x');
});

test.each<[string, Buffer, RegExp]>([
  ['a wrong digest', cbf([1, 1, 1, 1], { md5: 'AAAAAAAAAAAAAAAAAAAAAA==' }), /MD5/],
  ['too few items', cbf([1, 1, 1, 0x80, 5, 0], { width: 5, height: 1 }), /after 4 of 5/],
  ['more items than bytes', cbf([1, 1], { width: 100000, height: 100000 }), /do not fit/],
  ['bytes left over', cbf([1, 1, 1, 1, 1]), /left/],
  ['a size past the end', cbf([1, 1, 1, 1], { size: 400 }), /announced/],
  ['an end inside an item', cbf([1, 1, 1, 0x80, 1]), /inside an item/],
  ['a value outside int32', cbf([...packed, ...int64(-2147483648n - 70306n)]), /outside int32/],
  ['a difference outside float64', cbf([...packed, ...int64(2n ** 62n)]), /outside int32/],
  ['another compression', cbf([1, 1, 1, 1], { conversion: 'x-CBF_PACKED' }), /x-CBF_PACKED/],
  ['another type', cbf([1, 1, 1, 1], { type: 'signed 32-bit complex IEEE' }), /complex/],
  ['floats by differences', cbf([1, 1, 1, 1], { type: 'signed 32-bit real IEEE' }), /real IEEE" with x-CBF_BYTE_OFFSET/],
  ['a negative side', cbf([1, 1, 1, 1], { width: -2 }), /fastest/],
  ['no file at all', Buffer.from('hello'), /binary section/],
])('refused as a format error: %s', (_name, bytes, message) => {
  expect(() => readCbf(bytes)).toThrow(message);
  expect(() => readCbf(bytes)).toThrow(expect.objectContaining({ code: 'ERR_FORMAT' }));
});

test('a second section that cannot be read is an error in its place', () => {
  const two = Buffer.concat([
    cbf([1, 1, 1, 1]),
    Buffer.from('\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n'),
    cbf([1, 1, 1, 1], { conversion: 'x-CBF_PACKED' }),
  ]);
  const stack = openCbf(two);
  expect(stack.count).toBe(2);
  expect([...(stack.read(0).data as Int32Array)]).toEqual([1, 2, 3, 4]);
  expect(() => stack.read(1)).toThrow(/x-CBF_PACKED/);
  expect(() => readCbf(two)).toThrow(/2 images, but expected one/);
});

test('a section that is cut off counts as an image that cannot be read', () => {
  const second = cbf([1, 1, 1, 1]);
  const stack = openCbf(Buffer.concat([cbf([1, 1, 1, 1]), second.subarray(0, second.length - 2)]));
  expect(stack.count).toBe(2);
  expect(() => stack.read(1)).toThrow(/4 bytes of data announced, but 2 found/);
});

test('a cut or damaged file never gives anything but a format error or an image of the announced size', () => {
  const good = cbf([...packed, ...int64(-2147483648n - 70305n)]);
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  for (let round = 0; round < 5000; round++) {
    const bytes = Buffer.from(good.subarray(0, random() < 0.3 ? Math.floor(random() * good.length) : good.length));
    for (let flips = Math.floor(random() * 4); flips >= 0 && bytes.length > 0; flips--)
      bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
    try {
      const image = readCbf(bytes);
      expect(image.data.length).toBe(image.shape[0]! * image.shape[1]!);
    } catch (error) {
      expect(error).toBeInstanceOf(MillraceError);
    }
  }
});

test.skipIf(!existsSync(thaumatin) || !isFull)(
  'a Pilatus 6M frame is read whole: its own digest holds, and its sums are those of an independent reader',
  // Python takes several seconds for six million pixels, and much longer on a machine that does other work.
  { timeout: 300_000 },
  () => {
    const bytes = execFileSync('python3', ['-c', 'import bz2,sys; sys.stdout.buffer.write(bz2.open(sys.argv[1]).read())', thaumatin], {
      maxBuffer: 1 << 26,
    });
    const image = readCbf(bytes);
    expect(image.shape).toEqual([2527, 2463]);
    expect(image.header).toContain('Wavelength 0.96859 A');
    const independent = execFileSync('python3', ['-c', PYTHON_READER, thaumatin]).toString().trim().split(' ').map(Number);
    let sum = 0;
    let negative = 0;
    let largest = 0;
    let weighted = 0;
    (image.data as Int32Array).forEach((value, index) => {
      sum += value;
      if (value < 0) negative++;
      if (value > largest) largest = value;
      weighted += value * (index % 1009);
    });
    expect([sum, negative, largest, weighted]).toEqual(independent);
  },
);

const PYTHON_READER = `
import bz2, struct, sys
raw = bz2.open(sys.argv[1]).read()
small = memoryview(raw).cast("b")
at = raw.index(b"\\x0c\\x1a\\x04\\xd5") + 4
total = negative = largest = weighted = value = 0
for index in range(2527 * 2463):
    d = small[at]; at += 1
    if d == -128:
        d = struct.unpack_from("<h", raw, at)[0]; at += 2
        if d == -32768:
            d = struct.unpack_from("<i", raw, at)[0]; at += 4
    value += d
    total += value
    negative += value < 0
    largest = max(largest, value)
    weighted += value * (index % 1009)
print(total, negative, largest, weighted)
`;
