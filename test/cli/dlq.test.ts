import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Output } from '../../src/cli/output.js';
import { runCli } from '../../src/cli/program.js';
import { readNpy } from '../../src/codecs/npy.js';
import { writeLetter } from '../../src/dead-letters/letter-file.js';
import { CounterPattern, checkCounter } from '../../src/ingress/sim/counter.js';
import { someLetter } from '../support/letters.js';
import { operatorPath } from '../support/run-pipeline.js';
import { itFull } from '../support/test-size.js';

let folder: string;
let dead: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-dlq-'));
  dead = mkdtempSync(join(folder, 'letters-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  code: number;
  out: string[];
  err: string[];
}

async function cli(args: readonly string[], confirm?: (question: string) => Promise<boolean>): Promise<Result> {
  const result: Result = { code: -1, out: [], err: [] };
  const output: Output = {
    out: (line) => result.out.push(line),
    err: (line) => result.err.push(line),
    raw: () => {},
    isTty: false,
    columns: 80,
  };
  result.code = await runCli(args, { output, signal: new AbortController().signal, ...(confirm ? { confirm } : {}) });
  return result;
}

describe('dlq list', () => {
  it('has a row for each letter, in order', async () => {
    writeLetter(dead, someLetter({ ordinal: 1200, node: 'live', outcome: 'sink-refused' }), 'test');
    writeLetter(dead, someLetter(), 'test');
    const { code, out, err } = await cli(['dlq', 'list', dead]);
    expect([code, err]).toEqual([0, []]);
    expect(out[0]).toMatch(/^file +source +ordinal +node +outcome +when +bytes$/);
    expect(out[2]).toMatch(
      /^detector-0000000500-reduce-\S+\.letter +detector +500 +reduce +operator-failed +2026-11-24T14:57:47.123Z +12 B$/,
    );
    expect(out[3]).toMatch(/ 1200 +live +sink-refused +/);
    expect(out).toHaveLength(4);
    const json = JSON.parse((await cli(['dlq', 'list', dead, '--json'])).out.join('')) as { letters: { ordinal: number; bytes: number }[] };
    expect(json.letters.map(({ ordinal, bytes }) => [ordinal, bytes])).toEqual([
      [500, 12],
      [1200, 12],
    ]);
  });

  it('ends with 1 and names the file that is no letter, and does nothing to the terminal', async () => {
    writeFileSync(join(dead, 'torn.letter'), 'half');
    writeLetter(dead, someLetter({ node: '\u001b[2Jx' }), 'test');
    const { code, out, err } = await cli(['dlq', 'list', dead]);
    expect(code).toBe(1);
    expect(err).toEqual([expect.stringMatching(/torn\.letter: not a dead letter: .*\[ERR_FORMAT\]$/)]);
    expect(out.join('')).toContain('\\u001b[2Jx');
    expect(out.join('')).not.toContain('\u001b');
  });

  it('says that a folder is empty, and ends with 2 where there is none', async () => {
    expect(await cli(['dlq', 'list', dead])).toEqual({ code: 0, out: [`no dead letters in ${dead}`], err: [] });
    expect((await cli(['dlq', 'list', join(folder, 'gone')])).code).toBe(2);
    expect((await cli(['dlq', 'list'])).code).toBe(2);
    expect((await cli(['dlq'])).code).toBe(2);
  });
});

describe('dlq show', () => {
  it('tells all that is known, and the stack, without the items', async () => {
    const { data: _, ...header } = someLetter();
    const file = writeLetter(dead, someLetter(), 'test');
    const { code, out } = await cli(['dlq', 'show', file]);
    expect(code).toBe(0);
    for (const [key, value] of Object.entries(header)) {
      if (key === 'stack') continue;
      const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
      expect(out, key).toContainEqual(`${key.padEnd(12)}  ${text}`);
    }
    expect(out.slice(-2)).toEqual(['  Error: the sky falls', '      at process (file:///operator.mjs:3:9)']);
    expect(JSON.parse((await cli(['dlq', 'show', file, '--json'])).out.join(''))).toEqual({ file, bytes: 12, ...header });
  });

  it('writes the frame as NPY', async () => {
    const target = join(folder, 'frame.npy');
    await cli(['dlq', 'show', writeLetter(dead, someLetter(), 'test'), '--data', target]);
    expect(readNpy(readFileSync(target))).toEqual({ dtype: 'uint16', shape: [2, 3], data: new Uint16Array([0, 1, 2, 256, 65_535, 7]) });
  });

  it('ends with 1 for what is no letter', async () => {
    writeFileSync(join(dead, 'torn.letter'), 'half');
    expect((await cli(['dlq', 'show', join(dead, 'torn.letter')])).code).toBe(1);
  });
});

describe('dlq drop', () => {
  it('asks nothing where there is nothing to remove', async () => {
    expect(await cli(['dlq', 'drop', dead])).toEqual({ code: 0, out: ['0 dead letters removed'], err: [] });
  });

  it('removes letters, files or folders, with --yes or after a yes', async () => {
    const files = [1, 2, 3, 4].map((ordinal) => writeLetter(dead, someLetter({ ordinal }), 'test'));
    expect(await cli(['dlq', 'drop', dead])).toMatchObject({ code: 2, err: [expect.stringContaining('--yes')] });
    expect((await cli(['dlq', 'drop', dead], async () => false)).code).toBe(1);
    expect(readdirSync(dead)).toHaveLength(4);
    const asked: string[] = [];
    const yes = async (question: string): Promise<boolean> => asked.push(question) > 0;
    expect(await cli(['dlq', 'drop', files[1]!], yes)).toEqual({ code: 0, out: ['1 dead letter removed'], err: [] });
    expect(asked).toEqual(['Permanently remove 1 dead letter?']);
    expect(readdirSync(dead)).not.toContain(basename(files[1]!));
    expect(JSON.parse((await cli(['dlq', 'drop', dead, files[0]!, '--yes', '--json'])).out.join(''))).toMatchObject({
      removed: [files[0], files[2], files[3]],
    });
    expect(readdirSync(dead)).toEqual([]);
  });

  it('touches nothing that is not the file of a letter', async () => {
    const other = join(folder, 'precious.h5');
    writeFileSync(other, 'x');
    symlinkSync(other, join(folder, 'link.letter'));
    for (const path of [other, join(folder, 'link.letter'), join(folder, 'gone.letter')])
      expect((await cli(['dlq', 'drop', path, '--yes'])).code, path).toBe(2);
    writeFileSync(join(dead, 'notes.txt'), 'x');
    await cli(['dlq', 'drop', dead, '--yes']);
    expect([readdirSync(dead), readFileSync(other, 'utf8')]).toEqual([['notes.txt'], 'x']);
  });
});

describe('dlq replay', () => {
  const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
  const source = { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint16', seed: 3, frames: 100 };
  const copy = { type: operatorPath('copy') };

  function millrace(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', timeout: 60_000 });
  }

  function pipeline(description: object): string {
    const file = join(folder, 'pipeline.yaml');
    writeFileSync(file, JSON.stringify({ version: 1, ...description }));
    return file;
  }

  const faulty = { type: operatorPath('faults'), kind: 'throw' };
  const npy = { type: 'file', path: 'out/{sequence}.npy' };

  it('empties the folder through a repaired operator, and delivers what had died', { timeout: 90_000 }, () => {
    const broken = { from: 's', attempts: 1, operators: [faulty] };
    const stages = { work: broken };
    const deadLetters = { directory: 'dead' };
    const first = millrace(
      'run',
      pipeline({ sources: { s: source }, stages, sinks: { out: { from: 'work', type: 'null' } }, deadLetters }),
    );
    expect(first.status, first.stderr).toBe(1);
    const directory = join(folder, 'dead');
    expect(readdirSync(directory)).toHaveLength(10);

    // Still broken at every tenth frame that it is given: the fourth letter stays.
    const again = millrace('dlq', 'replay', directory, '--pipeline', join(folder, 'pipeline.yaml'), '--json');
    expect(again.status, again.stderr).toBe(1);
    const told = JSON.parse(again.stdout) as {
      ok: boolean;
      removed: string[];
      stayed: { file: string; reason: string }[];
      report: unknown;
    };
    expect(told).toMatchObject({
      ok: false,
      report: { sources: { s: { ledger: { received: 10, delivered: 9, dead: { 'operator-failed': 1 } } } } },
    });
    expect(told.removed).toHaveLength(9);
    expect(told.stayed).toEqual([{ file: expect.stringContaining('s-0000000033-work-'), reason: 'operator-failed' }]);
    expect(readdirSync(directory)).toEqual([basename(told.stayed[0]!.file)]);

    const repaired = pipeline({
      sources: { s: source },
      stages: { work: { from: 's', operators: [copy] } },
      sinks: { out: { from: 'work', ...npy } },
      metrics: { port: 1 }, // not served: it would need rights
      deadLetters,
    });
    const last = millrace('dlq', 'replay', directory, '--pipeline', repaired);
    expect(last.status, last.stderr).toBe(0);
    expect(last.stdout).toContain('ledger: balanced');
    expect(last.stdout).toContain('dead letters: 1 delivered and removed, 0 kept');
    expect(readdirSync(directory)).toEqual([]);
    expect(readdirSync(join(folder, 'out'))).toEqual(['33.npy']);
    const { data, shape, dtype } = readNpy(readFileSync(join(folder, 'out/33.npy')));
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const made = new Uint8Array(48);
    new CounterPattern({ seed: 3 } as ConstructorParameters<typeof CounterPattern>[0]).fill(33, made);
    expect([dtype, shape, [...bytes]]).toEqual(['uint16', [1, 24], [...made]]);
    expect(checkCounter(bytes)).toEqual({ number: 33, intact: true });
  });

  itFull('keeps sequence, timestamp and meta, in the order of ordinals, whatever the edges drop', { timeout: 60_000 }, () => {
    for (const ordinal of [900, 7, 100, 2, 40]) {
      const meta = { gain: ordinal / 8, columns: ['a'] };
      const time = new Date(1e12 - 1000 * ordinal).toISOString(); // not in their order
      const letter = someLetter({ ordinal, sequence: 5000 + ordinal, timestamp: 1e9 + ordinal / 4, meta, time, source: 'x' });
      writeLetter(dead, letter, 'test');
    }
    const file = pipeline({
      sources: { s: { type: 'zmq', socket: 'pull', connect: 'tcp://127.0.0.1:9' }, other: source },
      stages: { all: { from: ['s', 'other'], overflow: 'latest', capacity: 1, operators: [copy] } },
      sinks: { out: { type: 'file', path: 'out.ndjson', from: 'all', overflow: { sample: 4 } } },
    });
    const wrong = millrace('dlq', 'replay', dead, '--pipeline', file);
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringContaining("no source 'x'")]);
    const { status, stderr } = millrace('dlq', 'replay', dead, '--pipeline', file, '--source', 's', '--quiet');
    expect(status, stderr).toBe(0);
    const lines = readFileSync(join(folder, 'out.ndjson'), 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      [2, 7, 40, 100, 900].map((n, ordinal) => ({
        sequence: 5000 + n,
        ordinal,
        source: 's',
        timestamp: 1e9 + n / 4,
        shape: [2, 3],
        dtype: 'uint16',
        meta: { gain: n / 8, columns: ['a'] },
        data: [
          [0, 1, 2],
          [256, 65_535, 7],
        ],
      })),
    );
    expect(readdirSync(dead)).toEqual([]);
  });

  it('leaves files that are no letters, tells of each, and ends with 1', { timeout: 60_000 }, () => {
    writeFileSync(join(dead, 'torn.letter'), 'half');
    writeLetter(dead, someLetter({ source: 's' }), 'test');
    const file = pipeline({ sources: { s: source }, sinks: { out: { type: 'null', from: 's' } } });
    const { status, stderr } = millrace('dlq', 'replay', dead, '--pipeline', file);
    expect(status).toBe(1);
    expect(stderr).toMatch(/torn\.letter: stays: .*not a dead letter/);
    expect(readdirSync(dead)).toEqual(['torn.letter']);
  });

  itFull('plans operators that must know the shape, by the letters', { timeout: 60_000 }, () => {
    writeLetter(dead, someLetter({ source: 's' }), 'test');
    const file = pipeline({
      sources: { s: { type: 'zmq', socket: 'pull', connect: 'tcp://127.0.0.1:9' } },
      stages: { sum: { from: 's', operators: [{ type: 'accumulate', frames: 2 }] } },
      sinks: { out: { type: 'null', from: 'sum' } },
    });
    const { status, stderr } = millrace('dlq', 'replay', dead, '--pipeline', file);
    expect(status, stderr).toBe(0); // merged
    expect(readdirSync(dead)).toEqual([]);
  });

  it('takes away what was delivered before a signal, and leaves the rest', { timeout: 60_000 }, async () => {
    const letters = 150;
    for (let ordinal = 0; ordinal < letters; ordinal++) writeLetter(dead, someLetter({ ordinal, source: 's' }), 'test');
    const file = pipeline({ sources: { s: source }, sinks: { out: { type: 'file', path: 'out/{ordinal}.npy', from: 's', capacity: 1 } } });
    const child = spawn(process.execPath, [MAIN, 'dlq', 'replay', dead, '--pipeline', file, '--json', '--set', 'sources.s.slots=1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const out = join(folder, 'out');
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    const ended = once(child, 'close');
    while (child.exitCode === null && !(existsSync(out) && readdirSync(out).length > 5)) await delay(1);
    child.kill('SIGTERM');
    const [code] = await ended;
    const told = JSON.parse(stdout) as { removed: string[]; stayed: { file: string; reason: string }[]; report: { ok: boolean } };
    expect([code, told.report.ok]).toEqual([1, true]);
    const written = readdirSync(out).length;
    expect(written).toBeLessThan(letters);
    expect(told.removed).toHaveLength(written);
    expect(told.stayed).toHaveLength(letters - written);
    expect(readdirSync(dead)).toEqual(told.stayed.map((letter) => basename(letter.file)).sort());
    for (const { file: path } of told.stayed) expect(Number(basename(path).split('-')[1])).toBeGreaterThanOrEqual(written);
  });

  it('runs nothing where there are no letters', async () => {
    const file = pipeline({ sources: { s: source }, sinks: { out: { type: 'null', from: 's' } } });
    expect(await cli(['dlq', 'replay', dead, '--pipeline', file])).toEqual({
      code: 0,
      out: ['no dead letters to replay'],
      err: [],
    });
  });

  it('ends with 78 for a pipeline that is wrong, and leaves all', () => {
    writeLetter(dead, someLetter(), 'test');
    const file = pipeline({ sources: {}, sinks: {} });
    expect(millrace('dlq', 'replay', dead, '--pipeline', file).status).toBe(78);
    expect(millrace('dlq', 'replay', dead).status).toBe(2);
    expect(readdirSync(dead)).toHaveLength(1);
  });
});
