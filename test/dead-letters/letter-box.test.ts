import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Death, LETTER_STATS, LetterBox } from '../../src/dead-letters/letter-box.js';
import { letterNames, openLetterDirectory } from '../../src/dead-letters/letter-directory.js';
import { readLetter, writeLetter } from '../../src/dead-letters/letter-file.js';
import { someLetter } from '../support/letters.js';
import { plainFrame } from '../support/plain-frame.js';

const death: Death = { node: 'bad', outcome: 'operator-failed', attempts: 2, cause: { code: 'ERR_OPERATOR', message: 'no' } };
const FILES = 0;
const STATS = 64;

let folder: string;
let words: Int32Array;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-box-'));
  words = new Int32Array(new SharedArrayBuffer(1024));
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function box(maxFiles: number, thread = 0): LetterBox {
  const log = (_: object, message: string): void => void said.push(message);
  const plan = { directory: folder, maxFiles, pipeline: 'p', pipelineHash: '00'.repeat(32), run: 'r', files: FILES, stats: STATS };
  return new LetterBox(plan, words, thread, { debug: log, info: log, warn: log, error: log });
}

const frame = (ordinal: number) => plainFrame([2], new Uint8Array([ordinal, 1]), { source: 's', ordinal });
const counts = (thread: number): number[] =>
  [LETTER_STATS.written, LETTER_STATS.failed, LETTER_STATS.omitted].map((word) => words[(STATS + thread * LETTER_STATS.bytes + word) / 4]!);

describe('a box for letters', () => {
  it('writes one for each frame of a reference, numbered', async () => {
    box(10).write([frame(1), frame(1), frame(1)], death);
    const letters = await Promise.all(letterNames(folder).map((name) => readLetter(join(folder, name))));
    letters.sort((a, b) => a.index - b.index);
    expect(letters.map(({ index, ordinal, attempts, node, message }) => [index, ordinal, attempts, node, message])).toEqual(
      [0, 1, 2].map((index) => [index, 1, 2, 'bad', 'no']),
    );
    expect(counts(0)).toEqual([3, 0, 0]);
    expect(said).toEqual([]);
  });

  it('holds so many and no more, over all threads, and says so once', () => {
    const boxes = [box(5, 0), box(5, 1)];
    for (let i = 0; i < 20; i++) boxes[i % 2]!.write([frame(i)], death);
    expect(readdirSync(folder)).toHaveLength(5);
    const [first, second] = [counts(0), counts(1)];
    expect([first[0]! + second[0]!, first[2]! + second[2]!]).toEqual([5, 15]);
    expect(said).toHaveLength(2); // once a thread
    expect(said[0]).toContain('already has 5');
  });

  it('goes on when somebody has emptied the folder', () => {
    words[FILES / 4] = 3; // what was there at the start
    box(3).write([frame(0)], death);
    expect(counts(0)).toEqual([1, 0, 0]);
    expect(words[FILES / 4]).toBe(1);
  });

  it('counts what cannot be written, and stops nothing', () => {
    rmSync(folder, { recursive: true });
    box(2).write([frame(0), frame(1), frame(2)], death);
    expect(counts(0)).toEqual([0, 3, 0]);
    expect(words[FILES / 4]).toBe(0); // room is given back: with two in the folder at most the third failed as well
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('ENOENT');
  });

  it('counts frames that cannot be read', () => {
    box(2).write(() => {
      throw new RangeError('torn header');
    }, death);
    expect(counts(0)).toEqual([0, 1, 0]);
    expect(said[0]).toContain('torn header');
  });
});

it('removes what a writer before it with the same number left half written, and gives its room back', () => {
  const [mine, other] = ['3', '30'].map((thread) => `.x.letter.${process.pid}.r.${thread}.0.part`) as [string, string];
  for (const name of [mine, other]) writeFileSync(join(folder, name), 'half');
  words[FILES / 4] = 2;
  box(10, 3);
  expect(readdirSync(folder)).toEqual([other]);
  expect(words[FILES / 4]).toBe(1);
});

describe('the folder of letters', () => {
  it('is made, and counted', () => {
    const deep = join(folder, 'a/b');
    expect(openLetterDirectory(deep)).toBe(0);
    writeLetter(deep, someLetter(), 'test');
    writeFileSync(join(deep, 'notes.txt'), 'x');
    expect(openLetterDirectory(deep)).toBe(1);
    expect(letterNames(deep)).toHaveLength(1);
  });

  it('is swept of what dead processes left, not of what is being written', () => {
    const [old, young] = ['.a.letter.1.part', '.b.letter.2.part'].map((name) => join(folder, name)) as [string, string];
    for (const path of [old, young]) writeFileSync(path, 'half');
    utimesSync(old, new Date(0), new Date(0));
    openLetterDirectory(folder);
    expect([existsSync(old), existsSync(young)]).toEqual([false, true]);
    expect(letterNames(folder)).toEqual([]);
  });

  it('is refused, with its place, where it cannot be made', () => {
    writeFileSync(join(folder, 'file'), '');
    const place = { file: 'p.yaml', line: 3, column: 1 };
    expect(() => openLetterDirectory(join(folder, 'file/letters'), place)).toThrowError(
      expect.objectContaining({ code: 'ERR_CONFIG_FILE', exitCode: 78, place }),
    );
  });
});
