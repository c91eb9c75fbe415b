import { expect, test } from 'vitest';
import { UnpackedChunks } from '../../../src/transports/hdf5/unpacked-chunks.js';

const chunk = (lengthBytes = 10) => new Uint8Array(lengthBytes);

test('chunks of earlier rows make room, those of the row at work stay', () => {
  const kept = new UnpackedChunks(30);
  kept.keep('a0', 'a', chunk());
  for (const name of ['b0', 'b1', 'b2', 'b3']) kept.keep(name, 'b', chunk());
  expect(['a0', 'b0', 'b1', 'b2', 'b3'].map((name) => kept.get(name) !== undefined)).toEqual([false, true, true, true, false]);
});

test('one chunk over the bound is kept alone', () => {
  const kept = new UnpackedChunks(30);
  kept.keep('a0', 'a', chunk());
  kept.keep('b0', 'b', chunk(50));
  expect(kept.get('a0')).toBeUndefined();
  expect(kept.get('b0')).toHaveLength(50);
  kept.keep('c0', 'c', chunk());
  expect(kept.get('b0')).toBeUndefined();
  expect(kept.get('c0')).toHaveLength(10);
});

test('after close nothing is kept', () => {
  const kept = new UnpackedChunks(30);
  kept.keep('a0', 'a', chunk());
  kept.clear();
  expect(kept.get('a0')).toBeUndefined();
});
