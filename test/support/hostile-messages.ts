import { DTYPES, itemSize } from '../../src/frame/dtype.js';
import { seeded } from './arena.js';

/** Most bytes of a frame that the source takes. */
export const MAX_FRAME_BYTES = 4096;

export interface HostileMessage {
  readonly parts: readonly Uint8Array[];
  /** What was done to it. */
  readonly kind: string;
  /** `intact` and `taken` have to arrive as they were sent, `refused` must never arrive, `either` is for the reader to decide. */
  readonly fate: 'intact' | 'taken' | 'refused' | 'either';
  /** What the header of a `taken` message says, since `JSON.parse` cannot read it. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

type Fields = Record<string, unknown>;
type Mutation = (message: { fields: Fields; data: Buffer }) => Omit<HostileMessage, 'kind'>;

/** Stands for a piece of text that JSON.stringify would not write. */
const RAW = '@raw@';

/**
 * Messages of array-1.0, one in five as it should be and the others spoilt in one of many ways, given by the seed.
 * An intact one carries its number under the key `intact`.
 */
export class HostileMessages {
  readonly #random: (n: number) => number;
  readonly #mutations: readonly (readonly [string, Mutation])[];
  #number = 0;

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.#mutations = Object.entries({ ...this.#ofFields(), ...this.#ofText(), ...this.#ofBytes(), ...this.#ofParts() });
  }

  get kinds(): readonly string[] {
    return this.#mutations.map(([kind]) => kind);
  }

  next(): HostileMessage {
    const number = this.#number++;
    const message = this.#valid(number);
    if (this.#random(5) === 0) {
      message.fields.intact = number;
      return { ...this.#sent(message.fields, message.data, 'intact'), kind: 'intact' };
    }
    const [kind, mutate] = this.#mutations[this.#random(this.#mutations.length)]!;
    return { ...mutate(message), kind };
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#random(values.length)]!;
  }

  #valid(number: number): { fields: Fields; data: Buffer } {
    const type = this.#pick(DTYPES);
    const shape: number[] = [];
    let items = MAX_FRAME_BYTES / itemSize(type);
    for (let sides = this.#random(5); sides > 0; sides--) {
      const side = this.#random(Math.min(items, 40) + 1);
      shape.push(side);
      items = Math.floor(items / Math.max(1, side));
    }
    const fields: Fields = { htype: 'array-1.0', shape, type, frame: number, timestamp: 1.7e9 + number / 1000 };
    if (this.#random(10) === 0) fields.series = this.#pick<unknown>(['run-7', 12, { id: 3, expected: 100 }]);
    if (this.#random(3) === 0) fields.columns = ['q_A^-1', 'intensity', 'sigma'];
    if (this.#random(3) === 0) fields.calibration = { offset: [1, 2.5, null], note: 'ü ☂ 𝄞', nested: { deeper: [true] } };
    const data = this.#noise(shape.reduce((product, side) => product * side, itemSize(type)));
    return { fields, data };
  }

  #noise(lengthBytes: number): Buffer {
    const bytes = Buffer.alloc(lengthBytes);
    let state = this.#random(2 ** 31);
    for (let i = 0; i < lengthBytes; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      bytes[i] = state >>> 24;
    }
    return bytes;
  }

  #sent(fields: Fields, data: Buffer, fate: HostileMessage['fate']): Omit<HostileMessage, 'kind'> {
    return { parts: [Buffer.from(JSON.stringify(fields)), data], fate };
  }

  /** The message with a key whose value is written as it stands. */
  #written(fields: Fields, data: Buffer, key: string, text: string, fate: HostileMessage['fate']): Omit<HostileMessage, 'kind'> {
    const json = JSON.stringify({ ...fields, [key]: RAW });
    return { parts: [Buffer.from(json.replace(`"${RAW}"`, () => text)), data], fate };
  }

  #ofFields(): Record<string, Mutation> {
    const over = (key: string, values: () => readonly unknown[], fate: HostileMessage['fate'] = 'refused'): Mutation => {
      return ({ fields, data }) => this.#sent({ ...fields, [key]: this.#pick(values()) }, data, fate);
    };
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'length'];
    return {
      'no such shape': over('shape', () => [
        [-1],
        [2, -3],
        [1.5],
        [1e-300],
        ['4'],
        [null],
        [[1]],
        [{}],
        [true],
        '4',
        { length: 1, 0: 4 },
        7,
        null,
        [1, 1, 1, 1, 1],
        new Array(this.#random(5000) + 5).fill(1),
      ]),
      'a shape beyond memory': over('shape', () => [
        [2 ** 31, 2 ** 31],
        [2 ** 53],
        [2 ** 53 - 1, 2],
        [1e308, 1e308],
        [65536, 65536, 65536, 65536],
        [94906267, 94906267],
        [2 ** 32 + this.#random(9)],
        [3, 2 ** 51],
      ]),
      'nothing, on sides beyond a word': ({ fields }) =>
        this.#sent(
          {
            ...fields,
            shape: this.#pick([
              [0, 2 ** 31],
              [2 ** 32 + 5, 0],
              [0, 2 ** 32 - 1],
              [2 ** 33, 0, 3],
              [0, 2 ** 53 - 1],
            ]),
          },
          Buffer.alloc(0),
          'refused',
        ),
      'nothing at all': ({ fields }) =>
        this.#sent({ ...fields, shape: this.#pick([[0], [0, 0], [3, 0], [0, 0, 0, 0], [0, 2 ** 31 - 1]]) }, Buffer.alloc(0), 'either'),
      'another size': ({ fields, data }) =>
        this.#sent(
          { ...fields, shape: [this.#random(600)] },
          this.#random(2) ? data : this.#noise(this.#random(MAX_FRAME_BYTES + 1)),
          'either',
        ),
      'over the largest frame': ({ fields }) => {
        const lengthBytes = MAX_FRAME_BYTES + 1 + this.#random(this.#random(50) === 0 ? 3_000_000 : 2000);
        return this.#sent({ ...fields, type: 'uint8', shape: [lengthBytes] }, Buffer.alloc(lengthBytes), 'refused');
      },
      'no such type': over('type', () => [
        ...names,
        '',
        'UINT8',
        'uint8 ',
        'uint128',
        'float16',
        'complex64',
        'u\u0000int8',
        5,
        null,
        {},
        ['uint8'],
        true,
        'x'.repeat(100_000),
      ]),
      'no such htype': over('htype', () => [...names, '', 'array-1.1', 'ARRAY-1.0', null, 1, ['array-1.0'], {}]),
      'no such number': over('frame', () => [-1, 0.5, 2 ** 53, '7', {}, [3], true, -(2 ** 53), 1e300]),
      'any number': over('frame', () => [this.#random(2 ** 31) * 2 ** 21 + this.#random(2 ** 21), 2 ** 53 - 1, 0, null], 'either'),
      'no such time': over('timestamp', () => ['now', {}, [], true, '1e3']),
      'any time': over('timestamp', () => [-1e300, 1e300, 0, null, 5e-324], 'either'),
      'big endian': over('endianess', () => ['big'], 'either'),
      'no such byte order': over('endianess', () => ['middle', '', 1, {}, ['big'], true]),
      'no such encoding': over('encoding', () => ['lz4', 'bslz4', 7, {}, ['none'], true]),
      'a missing key': ({ fields, data }) => {
        const { [this.#pick(['htype', 'shape', 'type'])]: _, ...rest } = fields;
        return this.#sent(rest, data, 'refused');
      },
      'a hostile series': over('series', () => [...names, -1, 1e300, null, { id: 'x'.repeat(500) }, [[[]]], '../../etc'], 'either'),
      'a hostile name': ({ fields, data }) => {
        const key = this.#pick([...names, '', '0', '4294967294', '-1', 'data', 'prototype', '__defineGetter__', '\u0000']);
        return this.#written(
          fields,
          data,
          'x',
          `0,${JSON.stringify(key)}:{"__proto__":{"polluted":1},"constructor":{"prototype":1}}`,
          'either',
        );
      },
      'meta about as large as its room': ({ fields, data }) =>
        this.#sent({ ...fields, note: 'n'.repeat(3900 + this.#random(300)) }, data, 'either'),
      'meta over its room': ({ fields, data }) =>
        this.#sent({ ...fields, note: 'é'.repeat(2100 + this.#random(this.#random(50) === 0 ? 400_000 : 4000)) }, data, 'refused'),
    };
  }

  #ofText(): Record<string, Mutation> {
    /** Mostly small; now and then about as long as is read, or far beyond it (`large` gives about a megabyte). */
    const size = (small: number, large: number): number => {
      if (this.#random(60) === 0) return large;
      return this.#random(30) === 0 ? Math.floor(large / 17) : 1 + this.#random(small);
    };
    return {
      'nested deeply': ({ fields, data }) => {
        const depth = this.#pick([30, 31, 32, 33, 34, 1000, size(5000, 250_000)]);
        const [open, close] = this.#pick([
          ['[', ']'],
          ['{"a":', '}'],
          ['[{"b":', '}]'],
        ]);
        const text = `${open!.repeat(depth)}0${close!.repeat(depth)}`;
        return this.#written(fields, data, this.#pick(['x', 'shape', 'type', 'frame', 'htype']), text, 'either');
      },
      'nested and never closed': ({ data }) => ({
        parts: [Buffer.from(this.#pick(['[', '{"a":', '[{"a":']).repeat(size(5000, 150_000))), data],
        fate: 'refused',
      }),
      'a great many keys': ({ fields, data }) => {
        const first = this.#random(2 ** 31);
        const keys = Array.from({ length: size(300, 60_000) }, (_, i) => `,"${this.#pick(['', 'k'])}${first + 3 * i}":0`);
        return this.#written(fields, data, 'x', `0${keys.join('')}`, 'either');
      },
      'a long list': ({ fields, data }) => {
        const item = this.#pick(['0,', '{},', '[],', '{"a":0},', '[[]],', '"",', 'null,', '{"a":{}},', '1.5,']);
        return this.#written(
          fields,
          data,
          this.#pick(['x', 'shape']),
          `[${item.repeat(size(1000, Math.floor(1_000_000 / item.length)))}0]`,
          'either',
        );
      },
      'a long number': ({ fields, data }) =>
        this.#written(fields, data, this.#pick(['x', 'frame', 'timestamp']), `1${'7'.repeat(size(3000, 1_000_000))}`, 'either'),
      'a long text of escapes': ({ fields, data }) =>
        this.#written(fields, data, this.#pick(['x', 'type']), `"${'\\u00e9\\n'.repeat(size(400, 120_000))}"`, 'either'),
      'a great deal of nothing': ({ fields, data }) => ({
        parts: [Buffer.from(`${' \n'.repeat(size(3000, 500_000))}${JSON.stringify(fields)}`), data],
        fate: 'either',
      }),
      'more JSON than is read': ({ fields, data }) => ({
        parts: [Buffer.from(`${JSON.stringify(fields)}${' '.repeat(this.#random(20) === 0 ? 3_000_000 : 2 ** 20)}`), data],
        fate: 'refused',
      }),
      'keys twice': ({ fields, data }) => {
        const key = this.#pick(['shape', 'type', 'htype', 'frame', 'series']);
        return this.#written(fields, data, 'x', `0,"${key}":${JSON.stringify(fields[key] ?? null)},"${key}":[2]`, 'either');
      },
      'what JSON has no word for': ({ fields, data }) =>
        this.#written(
          fields,
          data,
          this.#pick(['shape', 'frame', 'timestamp', 'x']),
          this.#pick(['undefined', '0x10', '1_000', "'a'", '+1', '.5', '1.', '[1,]', '[,1]', '/**/1']),
          'refused',
        ),
      "Python's words in a key that travels": ({ fields, data }) => {
        const [text, x] = this.#pick<[string, unknown]>([
          ['NaN', 'NaN'],
          ['Infinity', 'Infinity'],
          ['-Infinity', '-Infinity'],
          ['[NaN]', ['NaN']],
          ['[1, -Infinity, {"NaN": NaN}]', [1, '-Infinity', { NaN: 'NaN' }]],
          ['[Infinity,"NaN, \\"Infinity"]', ['Infinity', 'NaN, "Infinity']],
        ]);
        return { ...this.#written(fields, data, 'x', text, 'taken'), fields: { ...fields, x } };
      },
      "Python's NaN as a time": ({ fields, data }) => {
        const { timestamp: _, ...rest } = fields;
        return { ...this.#written(fields, data, 'timestamp', 'NaN', 'taken'), fields: rest };
      },
      "Python's words where a value must be finite": ({ fields, data }) => {
        const [key, text] = this.#pick<[string, string]>([
          ['shape', 'NaN'],
          ['shape', '[NaN]'],
          ['shape', '[2,Infinity]'],
          ['shape', '[-Infinity]'],
          ['frame', 'NaN'],
          ['frame', 'Infinity'],
          ['timestamp', '[NaN]'],
          ['timestamp', 'Infinity'],
          ['timestamp', '-Infinity'],
          ['type', 'NaN'],
          ['htype', 'NaN'],
        ]);
        return this.#written(fields, data, key, text, 'refused');
      },
      "almost Python's words": ({ fields, data }) =>
        this.#written(
          fields,
          data,
          this.#pick(['shape', 'frame', 'timestamp', 'x']),
          this.#pick([
            'nan',
            'NAN',
            'NaN0',
            'NaNNaN',
            '-NaN',
            '+Infinity',
            '--Infinity',
            'Infinityy',
            'inf',
            '{NaN:1}',
            '[NaN NaN]',
            '"a"NaN',
          ]),
          'refused',
        ),
      'numbers beyond a double': ({ fields, data }) =>
        this.#written(
          fields,
          data,
          this.#pick(['shape', 'frame', 'timestamp', 'x']),
          this.#pick(['1e999', '[1e999]', '-1e999', '1e-999']),
          'either',
        ),
      'not an object': ({ data }) => ({
        parts: [Buffer.from(this.#pick(['', 'null', '[]', '3', '"array-1.0"', 'true', '[{}]', '{', '}', '{}', '\u0000'])), data],
        fate: 'refused',
      }),
      'a byte-order mark': ({ fields, data }) => ({
        parts: [
          Buffer.concat([
            Buffer.from(
              this.#pick([
                [0xef, 0xbb, 0xbf],
                [0xff, 0xfe],
                [0xfe, 0xff],
              ]),
            ),
            Buffer.from(JSON.stringify(fields)),
          ]),
          data,
        ],
        fate: 'refused',
      }),
      'another encoding': ({ fields, data }) => ({ parts: [Buffer.from(JSON.stringify(fields), 'utf16le'), data], fate: 'refused' }),
      'bytes that are no UTF-8': ({ fields, data }) => {
        const text = Buffer.from(JSON.stringify({ ...fields, note: '~~~~~~~~' }));
        const at = text.indexOf('~~~~~~~~');
        for (let i = 0; i < 8; i++) text[at + i] = 0x80 + this.#random(128);
        return { parts: [text, data], fate: 'either' };
      },
    };
  }

  #ofBytes(): Record<string, Mutation> {
    const spoil = (change: (bytes: Buffer) => Buffer): Mutation => {
      return ({ fields, data }) => {
        const header = Buffer.from(JSON.stringify(fields));
        return this.#random(4) > 0 ? { parts: [change(header), data], fate: 'either' } : { parts: [header, change(data)], fate: 'either' };
      };
    };
    return {
      'bits flipped': spoil((bytes) => {
        const copy = Buffer.from(bytes);
        for (let n = 1 + this.#random(8); n > 0 && copy.length > 0; n--) copy[this.#random(copy.length)]! ^= 1 << this.#random(8);
        return copy;
      }),
      'cut off': spoil((bytes) => bytes.subarray(0, this.#random(bytes.length + 1))),
      'bytes put in': spoil((bytes) => {
        const at = this.#random(bytes.length + 1);
        return Buffer.concat([bytes.subarray(0, at), this.#noise(1 + this.#random(40)), bytes.subarray(at)]);
      }),
      'a piece twice': spoil((bytes) => {
        const from = this.#random(bytes.length + 1);
        const to = from + this.#random(bytes.length - from + 1);
        return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
      }),
      'digits changed': ({ fields, data }) => {
        const text = JSON.stringify(fields).replace(/\d/g, (digit) => (this.#random(6) === 0 ? this.#pick([...'0123456789-e.,']) : digit));
        return { parts: [Buffer.from(text), data], fate: 'either' };
      },
      noise: () => ({ parts: [this.#noise(this.#random(500)), this.#noise(this.#random(500))], fate: 'refused' }),
    };
  }

  #ofParts(): Record<string, Mutation> {
    return {
      'parts too few or too many': ({ fields, data }) => {
        const header = Buffer.from(JSON.stringify(fields));
        const parts = this.#pick<Uint8Array[]>([
          [],
          [header],
          [header, data, Buffer.alloc(0)],
          [header, data, data],
          [Buffer.alloc(0), header, data],
          new Array(2000).fill(header) as Buffer[],
        ]);
        return { parts, fate: 'refused' };
      },
      'no such start or end of a series': () => {
        const start = { htype: this.#pick(['series-start-1.0', 'series-end-1.0']), series: 'run-7', expected: 5, meta: { note: 1 } };
        const wrong = this.#pick<Fields>([
          { series: {} },
          { series: null },
          { series: ['run-7'] },
          { series: 'x'.repeat(10_000) },
          { expected: -1 },
          { expected: 1.5 },
          { expected: '5' },
          { meta: [] },
          { meta: 'note' },
        ]);
        const part = Buffer.from(JSON.stringify({ ...start, ...wrong }));
        return { parts: this.#random(3) ? [part] : [part, this.#noise(this.#random(40))], fate: 'refused' };
      },
      'the parts the other way round': ({ fields, data }) => ({ parts: [data, Buffer.from(JSON.stringify(fields))], fate: 'refused' }),
      'empty parts': ({ data }) => ({
        parts: this.#pick([
          [Buffer.alloc(0), data],
          [Buffer.alloc(0), Buffer.alloc(0)],
        ]),
        fate: 'refused',
      }),
    };
  }
}
