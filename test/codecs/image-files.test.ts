import { expect, test } from 'vitest';
import { memorySource } from '../../src/codecs/byte-source.js';
import { openCbf } from '../../src/codecs/cbf.js';
import { openTiff } from '../../src/codecs/tiff/open-tiff.js';
import { MillraceError } from '../../src/errors/errors.js';
import { readGolden } from '../golden/read-golden.js';

interface ImageFile {
  name: string;
  file: string;
  dtype: string;
  shape: number[];
  images: string[][];
}

// Written by tifffile, Pillow and CBFlib (test/golden/make-image-files.py), with the arrays that went in.
const files = readGolden<ImageFile[]>('image-files');
const openFile = ({ name, file }: Pick<ImageFile, 'name' | 'file'>, bytes = Buffer.from(file, 'base64')) =>
  name.startsWith('cbf') ? openCbf(bytes) : openTiff(memorySource(bytes));

test.each(files.map((file) => [file.name, file] as const))('%s: every image is read with every value', (_name, file) => {
  const stack = openFile(file);
  expect({ dtype: stack.dtype, shape: stack.shape, count: stack.count }).toEqual({
    dtype: file.dtype,
    shape: file.shape,
    count: file.images.length,
  });
  for (const [index, values] of file.images.entries()) {
    const { data } = stack.read(index);
    const numbers: readonly (number | bigint)[] = [...(data as Iterable<number | bigint>)];
    expect(numbers).toEqual(values.map((text) => (typeof data[0] === 'bigint' ? BigInt(text) : pythonNumber(text))));
  }
});

const pythonNumber = (text: string): number => Number(text.replace('inf', 'Infinity'));

test('a damaged file ends in a format error or in images of the announced size, in bounded time', () => {
  let seed = 11;
  const random = (limit: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
  for (let round = 0; round < 4000; round++) {
    const file = files[random(files.length)]!;
    const whole = Buffer.from(file.file, 'base64');
    const bytes = Buffer.from(whole.subarray(0, random(4) === 0 ? random(whole.length) : whole.length));
    for (let flips = random(6); flips >= 0 && bytes.length > 0; flips--) bytes[random(Math.min(bytes.length, 600))] = random(256);
    try {
      const stack = openFile(file, bytes);
      for (let index = 0; index < Math.min(stack.count, 3); index++) {
        const { data } = stack.read(index);
        expect(data.length).toBe(stack.shape[0]! * stack.shape[1]!);
      }
    } catch (error) {
      expect(error).toBeInstanceOf(MillraceError);
    }
  }
});
