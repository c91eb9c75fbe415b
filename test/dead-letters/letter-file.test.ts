import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Unpackr } from 'msgpackr';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeLetter } from '../../src/dead-letters/decode-letter.js';
import { readLetter, readLetterHeader, writeLetter } from '../../src/dead-letters/letter-file.js';
import { MillraceError } from '../../src/errors/errors.js';
import { byteLength, DTYPES } from '../../src/frame/dtype.js';
import { seeded } from '../support/arena.js';
import { someLetter } from '../support/letters.js';
import { pythonHas, runPython } from '../support/python.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20_261_124);
const MUTATIONS = 6000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-letters-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (letter = someLetter()): string => writeLetter(folder, letter, 'test');

describe('a letter', () => {
  it('is read as it was written, every dtype and shape', async () => {
    const shapes = [[], [0], [3], [2, 0], [2, 3], [1, 2, 3, 4]];
    for (const [i, dtype] of DTYPES.entries()) {
      const shape = shapes[i % shapes.length]!;
      const data = new Uint8Array(byteLength(dtype, shape)).map((_, at) => at * 37);
      const letter = someLetter({ dtype, shape, data, ordinal: 2 ** 32 - 1 - i, index: i, attempts: i + 1 });
      expect(await readLetter(write(letter))).toEqual(letter);
    }
    const bare = someLetter({ sequence: undefined, timestamp: undefined, stack: undefined, meta: {} });
    expect(await readLetter(write(bare))).toEqual(bare);
  });

  it('has a header that is read without the data', async () => {
    const data = new Uint8Array(1 << 20).fill(9);
    const letter = someLetter({ dtype: 'bytes', shape: [data.length], data, stack: 'x'.repeat(60_000) });
    const path = write(letter);
    const { data: _, ...header } = letter;
    expect(await readLetterHeader(path)).toEqual({ ...header, fileBytes: readFileSync(path).length });
  });

  it('is written from shared memory too', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(12)).map((_, i) => i);
    expect((await readLetter(write(someLetter({ data: shared })))).data).toEqual(new Uint8Array(12).map((_, i) => i));
  });

  it('holds whole numbers, plain types and no extensions, to another reader', () => {
    const fields = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' }).unpack(readFileSync(write())) as object;
    const { data, ...rest } = someLetter();
    expect(fields).toEqual({ version: 1, ...rest, data: Buffer.from(data) });
  });

  it.skipIf(!pythonHas('msgpack'))('is read by the msgpack package of Python', () => {
    const script = `
import json, msgpack, struct, sys
letter = msgpack.unpackb(open(sys.argv[1], 'rb').read())
letter['data'] = list(struct.unpack('<6H', letter['data']))
assert type(letter['sequence']) is int
print(json.dumps(letter))`;
    const { data: _, ...rest } = someLetter();
    expect(JSON.parse(runPython(script, write()))).toEqual({ version: 1, ...rest, data: [0, 1, 2, 256, 65_535, 7] });
  });

  it('takes every meta that a slot can hold: the deepest, the largest whole numbers, halves of characters', async () => {
    const depth = 2000;
    const deep = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as unknown;
    const large = [2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 31) - 1, -(2 ** 53) + 1, 1e300, -0.5];
    const odd = JSON.parse('{"__proto__": {"x": 1}, "a\\ud800b": "c\\udfffd"}') as object;
    const { meta } = await readLetter(write(someLetter({ meta: { deep, large, odd } })));
    // From the 33rd level on it is text.
    let cut = meta.deep;
    for (let level = 1; level < 32; level++) cut = (cut as unknown[])[0];
    expect(JSON.parse(cut as string)).toEqual(JSON.parse(`${'['.repeat(depth - 31)}${']'.repeat(depth - 31)}`));
    expect(meta).toMatchObject({ large, odd: { 'a\ufffdb': 'c\ufffdd' } });
    expect(Object.keys(meta.odd as object)).toHaveLength(1);
  });

  it('is cut where a message or a stack is endless, and takes halves of characters', async () => {
    const letter = await readLetter(write(someLetter({ message: `\ud800${'m'.repeat(1e6)}`, stack: 's'.repeat(1e6) })));
    expect(letter.message.length).toBeLessThan(8200);
    expect(letter.message.slice(0, 2)).toBe('\ufffdm');
    expect(letter.stack!.length).toBeLessThan(65_600);
  });
});

describe('the file of a letter', () => {
  it('is named for people, and stays in its folder whatever its source is called', () => {
    expect(basename(write())).toBe('detector-0000000500-reduce-20261124T145747123Z.letter');
    const hostile = write(someLetter({ source: '../../etc/passwd', node: `/\0${'x'.repeat(500)}`, index: 2 }));
    expect(basename(hostile)).toMatch(/^______etc_passwd-0000000500-__x{62}-2-20261124T145747123Z\.letter$/);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('never takes the place of another, and leaves no other name behind', async () => {
    const paths = [1, 2, 3].map((attempts) => write(someLetter({ attempts })));
    expect(new Set(paths).size).toBe(3);
    for (const [i, path] of paths.entries()) expect((await readLetter(path)).attempts).toBe(i + 1);
    expect(readdirSync(folder).sort()).toEqual(paths.map((path) => basename(path)).sort());
  });
});

describe('a letter that cannot be written', () => {
  it('leaves nothing, as on a full disk', () => {
    const script = `
      const { writeLetter } = await import(process.argv[1]);
      const letter = JSON.parse(process.argv[2]);
      try { writeLetter(process.argv[3], { ...letter, data: new Uint8Array(1 << 20) }, 'test'); } catch (error) { console.log(error.code); }`;
    const { data: _, ...letter } = someLetter();
    const module = new URL('../../dist/src/dead-letters/letter-file.js', import.meta.url).href;
    // Files of that process may have 4 blocks.
    const limited = ['-c', 'ulimit -f 4; exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', script];
    const { stdout, stderr } = spawnSync('sh', [...limited, module, JSON.stringify(letter), folder], { encoding: 'utf8' });
    expect(stdout.trim(), stderr).toBe('EFBIG');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a file that is no letter', () => {
  async function refusal(bytes: Uint8Array): Promise<string> {
    const path = join(folder, 'bad.letter');
    writeFileSync(path, bytes);
    const errors = await Promise.all(
      [readLetter(path), readLetterHeader(path)].map((reading) =>
        reading.then(
          () => undefined,
          (error: unknown) => error as MillraceError,
        ),
      ),
    );
    for (const error of errors) {
      expect(error).toBeInstanceOf(MillraceError);
      expect(error).toMatchObject({ code: 'ERR_FORMAT', message: expect.stringContaining(path) });
    }
    return errors[0]!.message;
  }

  it('is refused, cut off anywhere', async () => {
    const whole = readFileSync(write());
    for (let length = 0; length < whole.length; length++) await refusal(whole.subarray(0, length));
    await refusal(Buffer.concat([whole, Buffer.from([0])]));
  });

  it.each([
    ['a map of 65535 entries', [0xde, 0xff, 0xff], 'ends inside'],
    ['no map', [0xc0], 'not a map'],
    ['a text of 4 GiB', [0x81, 0xdb, 0xff, 0xff, 0xff, 0xff], 'ends inside'],
    ['a list of 4 Gi entries', [0x81, 0xa1, 0x61, 0xdd, 0xff, 0xff, 0xff, 0xff], 'ends inside'],
    ['data of 4 GiB', [0x81, 0xa4, ...Buffer.from('data'), 0xc6, 0xff, 0xff, 0xff, 0xff], 'announces'],
    ['data before its end', [0x82, 0xa4, ...Buffer.from('data'), 0xc4, 0], 'last entry'],
    ['nothing but data', [0x81, 0xa4, ...Buffer.from('data'), 0xc4, 0], 'version'],
    ['an extension type', [0x81, 0xa1, 0x61, 0xd4, 0, 0], '0xd4'],
    ['nesting without end', [0x81, 0xa1, 0x61, ...new Array<number>(100_000).fill(0x91)], 'nested'],
    ['a key twice', [0x83, 0xa1, 0x61, 0xc0, 0xa1, 0x61, 0xc0], 'twice'],
    ['text that is not UTF-8', [0x81, 0xa1, 0xff], 'UTF-8'],
  ])('is refused: %s', async (_case, bytes, why) => {
    expect(await refusal(Uint8Array.from(bytes))).toContain(why);
  });

  it.each([
    ['version', 2],
    ['dtype', 'complex64'],
    ['shape', [2, 2]],
    ['shape', [2 ** 40, 2 ** 40, 0]],
    ['shape', [-2, -3]],
    ['shape', [1, 1, 1, 2, 3]],
    ['shape', 'many'],
    ['meta', [1]],
    ['ordinal', 2 ** 32],
    ['ordinal', -1],
    ['ordinal', 1.5],
    ['attempts', 0],
    ['sequence', 'one'],
    ['source', ''],
    ['node', 7],
    ['stack', 7],
    ['time', 'yesterday'],
    ['time', '2026-13-41T99:99:99Z'],
    ['pipelineHash', 'abc'],
  ])('is refused: %s %s', async (key, value) => {
    const { Packr } = await import('msgpackr');
    const { data, ...fields } = someLetter();
    const bad = new Packr({ useRecords: false, variableMapSize: true }).pack({
      version: 1,
      ...fields,
      [key]: value,
      data: Buffer.from(data),
    });
    expect(await refusal(bad)).toMatch(new RegExp(key === 'shape' ? 'side|shape|dimensions|bytes' : key));
  });

  it('is refused: a folder, a fifo of nothing, a missing file', async () => {
    for (const path of [folder, join(folder, 'gone.letter')])
      await expect(readLetter(path)).rejects.toMatchObject({ code: 'ERR_FORMAT', message: expect.stringContaining(path) });
  });

  it(`is never more than refused: ${MUTATIONS} mutations, seed ${SEED}`, () => {
    const whole = readFileSync(write());
    const random = seeded(SEED);
    const bombs = [0xdd, 0xdf, 0xdb, 0xc6, 0xc9, 0xff].map((token) => [token, 0xff, 0xff, 0xff, 0xff]);
    const counts = { read: 0, refused: 0 };
    const slowestMs = { at: 0, ms: 0 };
    for (let i = 0; i < MUTATIONS; i++) {
      let bytes = Buffer.from(whole);
      for (let changes = 1 + random(4); changes > 0; changes--) {
        const at = random(bytes.length);
        const kind = random(5);
        if (kind === 0) bytes[at] = random(256);
        else if (kind === 1) bytes[at]! ^= 1 << random(8);
        else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random(8))]);
        else if (kind === 3) Buffer.from(bombs[random(bombs.length)]!).copy(bytes, at);
        else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(bytes.length))]);
        if (bytes.length === 0) bytes = Buffer.from([0]);
      }
      const startMs = performance.now();
      try {
        const { header, dataOffset } = decodeLetter(bytes, bytes.length);
        counts.read++;
        // What is believed agrees with itself.
        expect(byteLength(header.dtype, header.shape)).toBe(bytes.length - dataOffset);
        expect(header.attempts).toBeGreaterThan(0);
        structuredClone(header);
      } catch (error) {
        if (!(error instanceof MillraceError && error.code === 'ERR_FORMAT')) throw new Error(`mutation ${i}: ${error}`, { cause: error });
        counts.refused++;
      }
      let ms = performance.now() - startMs;
      // Was it the reader, or did others have the processor?
      for (let again = 0; again < 3 && ms > 50; again++) {
        const beforeMs = performance.now();
        try {
          decodeLetter(bytes, bytes.length);
        } catch {
          // as before
        }
        ms = Math.min(ms, performance.now() - beforeMs);
      }
      if (ms > slowestMs.ms) Object.assign(slowestMs, { at: i, ms });
    }
    // Both happen: a changed pixel or letter of a text is still a letter.
    expect(counts.read).toBeGreaterThan(100);
    expect(counts.refused).toBeGreaterThan(1000);
    expect(slowestMs.ms, `mutation ${slowestMs.at}`).toBeLessThan(100);
  });
});
