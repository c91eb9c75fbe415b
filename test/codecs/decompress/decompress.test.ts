import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { bitUntranspose } from '../../../src/codecs/decompress/bit-transpose.js';
import { decodeBitshuffle } from '../../../src/codecs/decompress/bitshuffle.js';
import { decodeBlosc } from '../../../src/codecs/decompress/blosc.js';
import { decodeBloscLz } from '../../../src/codecs/decompress/blosclz.js';
import { decodeBzip2 } from '../../../src/codecs/decompress/bzip2.js';
import { decodeHdf5Lz4 } from '../../../src/codecs/decompress/hdf5-lz4.js';
import { decodeLz4Block } from '../../../src/codecs/decompress/lz4-block.js';
import { decodeLzf } from '../../../src/codecs/decompress/lzf.js';
import { decodeZstd } from '../../../src/codecs/decompress/zstd.js';
import { pythonHas } from '../../support/python.js';

/** 19 items of 16 bits, 0 to 18: framed, one block of 16 items, 3 items as they are. Written by the bitshuffle library. */
const BSLZ4 = Buffer.from('000000000000002600002000000000129eaaaaccccf0f000ff000100500000000000100011001200', 'hex');
const NUMBERS = Buffer.from(Uint16Array.from({ length: 19 }, (_, index) => index).buffer);

test('bitshuffle-LZ4 with a rest of fewer than 8 items', () => {
  expect(Buffer.from(decodeBitshuffle(BSLZ4, 38, 2, 'lz4'))).toEqual(NUMBERS);
});

test('the bit transposition puts each bit where its definition says', () => {
  let seed = 1;
  for (const itemBytes of [1, 2, 3, 4, 8]) {
    const items = 40;
    const input = Uint8Array.from({ length: items * itemBytes }, () => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return seed >> 16;
    });
    const expected = new Uint8Array(items * itemBytes);
    for (let row = 0; row < 8 * itemBytes; row++)
      for (let item = 0; item < items; item++) {
        const bit = (input[row * (items / 8) + (item >> 3)]! >> (item % 8)) & 1;
        expected[item * itemBytes + (row >> 3)]! |= bit << (row % 8);
      }
    const output = new Uint8Array(items * itemBytes);
    bitUntranspose(input, output, items, itemBytes);
    expect(output).toEqual(expected);
  }
});

test('bzip2 of 300 kB in several blocks, with long runs (needs python3)', { skip: !pythonHas('bz2') }, () => {
  const script = 'import bz2,sys; d=bytes((i*i>>7)%251 for i in range(200000))+b"a"*100000; sys.stdout.buffer.write(bz2.compress(d,1))';
  const packed = execFileSync(process.env.MILLRACE_PYTHON ?? 'python3', ['-c', script]);
  const expected = Uint8Array.from({ length: 300_000 }, (_, index) => (index < 200_000 ? Math.floor((index * index) / 128) % 251 : 97));
  expect(Buffer.compare(decodeBzip2(packed, 300_000), expected)).toBe(0);
  const bent = Buffer.from(packed);
  bent[5000]! ^= 1;
  expect(() => decodeBzip2(bent, 300_000)).toThrow(/bzip2/);
});

const decoders: Record<string, (input: Uint8Array, outputBytes: number) => unknown> = {
  'bitshuffle-lz4': (input, bytes) => decodeBitshuffle(input, bytes, 2, 'lz4'),
  'bitshuffle-zstd': (input, bytes) => decodeBitshuffle(input, bytes, 2, 'zstd'),
  bitshuffle: (input, bytes) => decodeBitshuffle(input, bytes, 2, 'none'),
  blosc: decodeBlosc,
  blosclz: (input, bytes) => decodeBloscLz(input, new Uint8Array(bytes)),
  bzip2: decodeBzip2,
  'hdf5-lz4': decodeHdf5Lz4,
  'lz4-block': (input, bytes) => decodeLz4Block(input, new Uint8Array(bytes)),
  lzf: decodeLzf,
  zstd: decodeZstd,
};

test.each(Object.keys(decoders))('%s refuses random and bent bytes with ERR_FORMAT, and ends', (name) => {
  const seedStart = Number(process.env.MILLRACE_TEST_SEED ?? 4711);
  let seed = seedStart;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const heads: Record<string, number[]> = {
    'bitshuffle-lz4': [...BSLZ4.subarray(0, 12)],
    'bitshuffle-zstd': [...BSLZ4.subarray(0, 12), 0, 0, 0, 20, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 32],
    'hdf5-lz4': [...BSLZ4.subarray(0, 12)],
    blosc: [2, 1, 0x21, 2, 38, 0, 0, 0, 38, 0, 0, 0, 40, 0, 0, 0, 20, 0, 0, 0],
    bzip2: [...Buffer.from('BZh9\x31\x41\x59\x26\x53\x59', 'latin1')],
    zstd: [0x28, 0xb5, 0x2f, 0xfd, 0x20, 38],
  };
  for (let round = 0; round < 500; round++) {
    const head = round % 2 ? (heads[name] ?? []) : [];
    const input = Uint8Array.from([...head, ...Array.from({ length: random(60) }, () => random(256))]);
    try {
      decoders[name]!(input, 38);
    } catch (error) {
      expect(error, `seed ${seedStart}, round ${round}`).toMatchObject({ code: 'ERR_FORMAT' });
    }
  }
});

test('a header that announces more than is expected is refused before memory is reserved', () => {
  const huge = Buffer.from(BSLZ4);
  huge.writeBigUInt64BE(2n ** 40n, 0);
  expect(() => decodeBitshuffle(huge, 38, 2, 'lz4')).toThrow(/1099511627776 bytes announced, but expected 38/);
  expect(() => decodeHdf5Lz4(huge, 38)).toThrow(/announced/);
  // A zstd frame with a window of 1 TiB.
  expect(() => decodeZstd(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 30 << 3, 1, 0, 0), 38)).toThrow(/window/);
});
