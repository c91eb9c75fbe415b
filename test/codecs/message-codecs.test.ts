import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Codec, DecodedFrame } from '../../src/codecs/codec.js';
import { CODECS } from '../../src/codecs/registry.js';
import { MillraceError } from '../../src/errors/errors.js';
import { byteLength, DTYPES, type DType, typedView } from '../../src/frame/dtype.js';
import { plainFrame } from '../support/plain-frame.js';
import { PYTHON, pythonHas } from '../support/python.js';
import { sized } from '../support/test-size.js';

const ROUNDS = sized(5000, 20_000);
const array10 = CODECS.get('array-1.0')!;
const msgpack = CODECS.get('msgpack')!;
const json = CODECS.get('json')!;
const raw = CODECS.get('raw')!;

const text = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const header = (extra: object = {}) => ({ htype: 'array-1.0', shape: [2, 3], type: 'uint16', frame: 7, ...extra });
const items = (frame: DecodedFrame) => {
  const copy = Uint8Array.from(frame.data);
  return [...typedView(frame.dtype, copy.buffer, 0, copy.length / (byteLength(frame.dtype, [1]) || 1))];
};
const malformed = (codec: Codec, parts: Uint8Array[], message: RegExp = /./, code = 'ERR_MESSAGE_MALFORMED') => {
  expect(() => codec.decode(parts)).toThrow(message);
  expect(() => codec.decode(parts)).toThrow(expect.objectContaining({ code }));
};

// How this one dtype is filled so that each item differs and the extremes are among them.
const SAMPLES: Record<DType, number[] | bigint[]> = {
  bytes: [0, 1, 254, 255],
  uint8: [0, 1, 254, 255],
  int8: [-128, -1, 0, 127],
  uint16: [0, 1, 256, 65535],
  int16: [-32768, -1, 256, 32767],
  uint32: [0, 1, 65536, 4294967295],
  int32: [-2147483648, -1, 65536, 2147483647],
  uint64: [0n, 1n, 2n ** 53n + 1n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), -1n, 2n ** 53n + 1n, 2n ** 63n - 1n],
  float32: [-1.5, 0, 3.4028234663852886e38, Number.NaN],
  float64: [-1.5, 0.1, 1.7976931348623157e308, Number.NaN],
};

const sampleFrame = (dtype: DType) => {
  const view = typedView(dtype, new ArrayBuffer(byteLength(dtype, [4])), 0, 4);
  SAMPLES[dtype].forEach((item, index) => {
    view[index] = item;
  });
  return plainFrame([2, 2], view, {
    dtype,
    ordinal: 3,
    sequence: 41,
    timestamp: 1700000000.25,
    meta: { columns: ['a', 'b'], deep: { x: [1, null] } },
  });
};

describe.each(['array-1.0', 'msgpack', 'json'])('%s', (name) => {
  const codec = CODECS.get(name)!;

  test('a frame says which parameters made it, and what came in under that key stays only until then', () => {
    const received = { ...sampleFrame('uint8'), meta: { parameters: 'of the sender' } };
    expect(codec.decode(codec.encode(received)).meta).toEqual({ parameters: 'of the sender' });
    const made = { ...received, parameters: '0123456789abcdef' };
    expect(codec.decode(codec.encode(made)).meta).toEqual({ parameters: '0123456789abcdef' });
  });

  test.each(DTYPES)('what was encoded is decoded again, bit for bit: %s', (dtype) => {
    const frame = sampleFrame(dtype);
    const decoded = codec.decode(codec.encode(frame));
    expect(decoded).toMatchObject({
      dtype,
      shape: [2, 2],
      sequence: 41,
      timestamp: 1700000000.25,
      meta: { columns: ['a', 'b'], deep: { x: [1, null] } },
    });
    expect([...decoded.data]).toEqual([...frame.bytes]);
  });

  test.each([[[]], [[0]], [[2, 0]], [[1, 1, 1, 1]], [[2, 3, 1, 2]]])('the shape %j survives', (shape) => {
    const count = shape.reduce((product: number, side: number) => product * side, 1);
    const frame = plainFrame(
      shape,
      Int32Array.from({ length: count }, (_, index) => index - 2),
    );
    const decoded = codec.decode(codec.encode(frame));
    expect(decoded.shape).toEqual(shape);
    expect(items(decoded)).toEqual([...(frame.data as Int32Array)]);
  });

  test('keys that travel along never replace the standard ones, and an unknown timestamp is left out', () => {
    const meta = {
      shape: [9],
      type: 'int8',
      frame: 99,
      htype: 'x',
      timestamp: 5,
      data: 'x',
      endianess: 'big',
      encoding: 'lz4',
      kept: true,
    };
    const decoded = codec.decode(codec.encode(plainFrame([1], [2.5], { sequence: 4, meta })));
    expect(decoded).toMatchObject({ dtype: 'float64', shape: [1], sequence: 4, meta: { kept: true } });
    expect(decoded.timestamp).toBeUndefined();
    expect(Object.keys(decoded.meta!)).toEqual(['kept']);
  });

  test('a sequence beyond 32 bits is kept', () => {
    expect(codec.decode(codec.encode(plainFrame([1], [0], { sequence: 2 ** 53 - 1 }))).sequence).toBe(2 ** 53 - 1);
  });
});

describe('array-1.0', () => {
  const body = Buffer.from([1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]);

  test('the message of the specification is read without a copy, and other keys travel along', () => {
    const frame = array10.decode([text(header({ timestamp: 12.5, series: 3 })), body]);
    expect(frame).toMatchObject({ dtype: 'uint16', shape: [2, 3], sequence: 7, timestamp: 12.5, meta: { series: 3 } });
    expect(frame.data).toBe(body);
    expect(items(frame)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('big-endian items are turned round and the message is left as it was', () => {
    const before = Buffer.from(body);
    expect(items(array10.decode([text(header({ endianess: 'big' })), body]))).toEqual([256, 512, 768, 1024, 1280, 1536]);
    expect(body).toEqual(before);
  });

  test.each<[string, unknown]>([
    ['no JSON', '{'],
    ['not an object', '[1]'],
    ['null', 'null'],
    ['no htype', { shape: [2, 3], type: 'uint16' }],
    ['another htype', header({ htype: 'dheader-1.0' })],
    ['an unknown type', header({ type: 'complex64' })],
    ['a type that is a property of every object', header({ type: 'toString' })],
    ['a negative side', header({ shape: [-2, -3] })],
    ['a side with a fraction', header({ shape: [1.5, 4] })],
    ['a side of text', header({ shape: ['2', 3] })],
    ['a shape that overflows', header({ shape: [2 ** 31, 2 ** 31] })],
    ['a shape whose product would round to the length', header({ shape: [2 ** 52, 2 ** 52, 2 ** 52] })],
    ['five dimensions', header({ shape: [1, 1, 1, 2, 3] })],
    ['a shape that does not fit the bytes', header({ shape: [2, 4] })],
    ['a shape that is no list', header({ shape: 6 })],
    ['a frame number with a fraction', header({ frame: 1.5 })],
    ['a negative frame number', header({ frame: -1 })],
    ['a frame number beyond 2^53', '{"htype":"array-1.0","shape":[2,3],"type":"uint16","frame":9007199254740993}'],
    ['a timestamp of text', header({ timestamp: 'now' })],
    ['an infinite timestamp', '{"htype":"array-1.0","shape":[2,3],"type":"uint16","timestamp":1e999}'],
    ['an unknown byte order', header({ endianess: 'middle' })],
    ['compressed items', header({ encoding: 'bs16-lz4<' })],
    ['a value nested 100,000 deep', `{"htype":"array-1.0","shape":[2,3],"type":"uint16","x":${'['.repeat(1e5)}${']'.repeat(1e5)}}`],
    ['more than 64 KiB of JSON', header({ x: 'x'.repeat(1 << 16) })],
  ])('refused as malformed: %s', (_name, value) => malformed(array10, [text(value), body]));

  test.each([0, 1, 3])('%i parts are the wrong number', (count) => {
    malformed(array10, Array(count).fill(body), /parts/, 'ERR_MESSAGE_PARTS');
  });

  test('a key named __proto__ changes no prototype, at any depth', () => {
    const message = '{"htype":"array-1.0","shape":[2,3],"type":"uint16","__proto__":{"evil":1},"deep":[{"__proto__":{"evil":1},"kept":1}]}';
    const { meta } = array10.decode([text(message), body]);
    expect(meta).toEqual({ deep: [{ kept: 1 }] });
    expect(Object.getPrototypeOf(meta)).toBe(Object.prototype);
    expect(Object.hasOwn((meta!.deep as object[])[0]!, '__proto__')).toBe(false);
    expect(({} as Record<string, unknown>).evil).toBeUndefined();
  });
});

describe('json', () => {
  test.each([
    [
      'nested',
      {
        shape: [2, 3],
        type: 'uint16',
        data: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
    ],
    ['flat', { shape: [2, 3], type: 'uint16', data: [1, 2, 3, 4, 5, 6] }],
    [
      'without a shape',
      {
        type: 'uint16',
        data: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      },
    ],
  ])('data may be %s', (_name, message) => {
    const frame = json.decode([text(message)]);
    expect(frame).toMatchObject({ dtype: 'uint16', shape: [2, 3] });
    expect(items(frame)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('without a type the items are float64, and null is NaN', () => {
    expect(items(json.decode([text({ data: [1.5, null] })]))).toEqual([1.5, Number.NaN]);
  });

  test('what is written is plain JSON that nests as the shape says', () => {
    const frame = plainFrame([2, 2], [1, Number.NaN, Number.POSITIVE_INFINITY, -2.5], { sequence: 3, meta: { columns: ['q'] } });
    expect(JSON.parse(Buffer.from(json.encode(frame)[0]!).toString())).toEqual({
      htype: 'array-1.0',
      shape: [2, 2],
      type: 'float64',
      frame: 3,
      columns: ['q'],
      data: [
        [1, null],
        [null, -2.5],
      ],
    });
  });

  test.each<[string, unknown]>([
    ['no data', { shape: [1], type: 'uint8' }],
    ['a ragged list', { type: 'uint8', data: [[1, 2], [3]] }],
    ['a list mixed with items', { type: 'uint8', shape: [2], data: [1, [2]] }],
    ['a value out of range', { type: 'uint8', data: [256] }],
    ['a negative value for an unsigned type', { type: 'uint32', data: [-1] }],
    ['a fraction for an integer', { type: 'int32', data: [1.5] }],
    ['null for an integer', { type: 'int32', data: [null] }],
    ['text for a number', { type: 'float64', data: ['1'] }],
    ['a long integer that JSON rounded', '{"type":"int64","data":[9007199254740993]}'],
    ['a long integer out of range', { type: 'uint64', data: ['18446744073709551616'] }],
    ['too many items', { type: 'uint8', shape: [2], data: [1, 2, 3] }],
    ['a huge shape', { type: 'uint8', shape: [1e9, 1e6], data: [1] }],
    ['deep nesting', `{"data":${'['.repeat(1e5)}${']'.repeat(1e5)}}`],
  ])('refused as malformed: %s', (_name, message) => malformed(json, [text(message)]));
});

describe('raw', () => {
  test('one part is passed on as it is', () => {
    const part = Buffer.from('hello');
    expect(raw.decode([part])).toEqual({ dtype: 'bytes', shape: [5], data: part });
  });

  test('several parts come out as they went in', () => {
    const parts = ['a', '', 'bcd'].map((part) => Buffer.from(part));
    const decoded = raw.decode(parts);
    expect(decoded).toMatchObject({ dtype: 'bytes', shape: [4], meta: { parts: [1, 0, 3] } });
    const frame = plainFrame([4], decoded.data, { dtype: 'bytes', meta: decoded.meta! });
    expect(raw.encode(frame).map((part) => Buffer.from(part).toString())).toEqual(['a', '', 'bcd']);
  });

  test.each([[[1, 2]], [[-1, 5]], [['4']], [[1.5, 2.5]], [[]], ['x']])(
    'lengths %j that do not add up to the payload are ignored',
    (parts) => {
      expect(raw.encode(plainFrame([4], Uint8Array.of(1, 2, 3, 4), { meta: { parts } }))).toHaveLength(1);
    },
  );

  test('no part at all is the wrong number', () => malformed(raw, [], /parts/, 'ERR_MESSAGE_PARTS'));
});

describe('msgpack', () => {
  const bytes = (...values: (number | string)[]) =>
    Buffer.concat(values.map((value) => (typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value))));
  // {"shape":[1], "type":"uint8", <extra>, "data":<bin 1>}, by hand from the specification.
  const message = (entries: number, ...extra: (number | string)[]) =>
    bytes(0x80 | (3 + entries), 0xa5, 'shape', 0x91, 1, 0xa4, 'type', 0xa5, 'uint8', ...extra, 0xa4, 'data', 0xc4, 1, 9);

  test('a message put together by hand is read, and its data alias it', () => {
    const part = message(1, 0xa1, 'x', 0xc3);
    const frame = msgpack.decode([part]);
    expect(frame).toMatchObject({ dtype: 'uint8', shape: [1], meta: { x: true } });
    part[part.length - 1] = 77;
    expect(frame.data[0]).toBe(77);
  });

  test.each<[string, Buffer, RegExp]>([
    ['a regular expression as an extension', message(1, 0xa1, 'x', 0xc7, 5, 0x78, 0x92, 0xa1, 'a', 0xa0), /extension/],
    ['a fixed extension', message(1, 0xa1, 'x', 0xd4, 0x72, 0x40), /extension/],
    ['the type that is never used', message(1, 0xa1, 'x', 0xc1), /0xc1/],
    ['a list of four thousand million entries', message(1, 0xa1, 'x', 0xdd, 0xff, 0xff, 0xff, 0xff), /ends inside/],
    ['text beyond the end', bytes(0x81, 0xdb, 0xff, 0xff, 0xff, 0xff), /ends inside/],
    ['a key that is a number', bytes(0x81, 1, 1), /key/],
    ['deep nesting', message(1, 0xa1, 'x', ...Array(1000).fill(0x91), 1), /deep/],
    ['bytes after the message', Buffer.concat([message(0), Buffer.from([0])]), /left/],
    ['no map', bytes(0x91, 1), /map/],
    ['data of text', bytes(0x81, 0xa4, 'data', 0xa1, 'x'), /bin/],
    ['bin in a key that travels along', message(1, 0xa1, 'x', 0xc4, 1, 1), /JSON/],
    ['nothing', Buffer.alloc(0), /ends inside/],
  ])('refused as malformed: %s', (_name, part, expected) => malformed(msgpack, [part], expected));

  test.skipIf(!pythonHas('msgpack'))('Python msgpack reads each key plainly (needs python3 with msgpack)', () => {
    const frame = plainFrame([2, 2], Uint16Array.of(1, 2, 3, 65535), {
      sequence: 2 ** 40,
      timestamp: 1700000000.5,
      meta: { columns: ['q'], n: 5 },
    });
    const script =
      'import msgpack,sys,json; d=msgpack.unpackb(sys.stdin.buffer.read()); d["data"]=[type(d["data"]).__name__, d["data"].hex()]; print(json.dumps(d))';
    const out = execFileSync(PYTHON, ['-c', script], { input: msgpack.encode(frame)[0]! }).toString();
    expect(out).toContain('"frame": 1099511627776,');
    expect(JSON.parse(out)).toEqual({
      htype: 'array-1.0',
      shape: [2, 2],
      type: 'uint16',
      frame: 2 ** 40,
      timestamp: 1700000000.5,
      columns: ['q'],
      n: 5,
      data: ['bytes', '010002000300ffff'],
    });
  });

  test('more than fifteen keys are counted right', () => {
    const meta = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`key${index}`, index]));
    expect(msgpack.decode(msgpack.encode(plainFrame([1], [1], { meta }))).meta).toEqual(meta);
  });
});

test(`${ROUNDS} mutated messages give nothing but a coded error or a frame whose bytes fit its shape`, () => {
  let seed = 20260611;
  console.log(`seed ${seed}`);
  const random = (limit: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  const frame = sampleFrame('float32');
  const outcomes = { frames: 0, refused: 0 };
  const splices = ['[', '{"', '"__proto__":', '-', '1e9', 'null', '\\u0000', '"', ']]', '9007199254740993', 'constructor'];
  for (let round = 0; round < ROUNDS; round++) {
    const codec = [array10, msgpack, json, raw][round % 4]!;
    const parts = codec.encode(round % 8 < 4 ? frame : sampleFrame(DTYPES[random(DTYPES.length)]!)).map((part) => Buffer.from(part));
    for (let changes = random(4); changes >= 0; changes--) {
      const which = random(parts.length);
      let part = parts[which]!;
      const at = random(part.length + 1);
      const kind = random(5);
      if (kind === 0 && part.length > 0) part[random(part.length)] = random(256);
      else if (kind === 1) part = part.subarray(0, at);
      else if (kind === 2) part = Buffer.concat([part.subarray(0, at), Buffer.from(splices[random(splices.length)]!), part.subarray(at)]);
      else if (kind === 3) part = Buffer.concat([part.subarray(0, at), part.subarray(Math.min(part.length, at + random(8)))]);
      else if (part.length > 0) part[random(part.length)]! ^= 1 << random(8);
      parts[which] = part;
      if (random(40) === 0) parts.splice(random(parts.length + 1), random(2), Buffer.alloc(random(9)));
      if (parts.length === 0) break;
    }
    try {
      const decoded = codec.decode(parts);
      expect(DTYPES).toContain(decoded.dtype);
      expect(decoded.shape.length).toBeLessThanOrEqual(4);
      expect(decoded.data.length).toBe(byteLength(decoded.dtype, decoded.shape));
      JSON.stringify(decoded.meta ?? null);
      outcomes.frames++;
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      expect(['ERR_MESSAGE_MALFORMED', 'ERR_MESSAGE_PARTS']).toContain(error.code);
      outcomes.refused++;
    }
  }
  console.log(outcomes);
  expect(outcomes.frames).toBeGreaterThan(1000);
  expect(outcomes.refused).toBeGreaterThan(1000);
});
