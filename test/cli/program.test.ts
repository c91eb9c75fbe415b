import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Output } from '../../src/cli/output.js';
import { runCli } from '../../src/cli/program.js';
import type { Report } from '../../src/observe/report.js';

const REPORT: Report = {
  version: 2,
  name: 'p',
  ok: true,
  failOn: ['dead'],
  failures: [],
  remarks: [],
  balanced: true,
  durationS: 2,
  sources: {
    s: {
      ledger: { received: 1000, delivered: 990, merged: 0, filtered: 3, dropped: { latest: 7 }, dead: {}, inFlight: 0 },
      verdict: {
        state: 'incomplete',
        missing: [
          [5, 5],
          [8, 9],
        ],
      },
      bytes: 4_000_000,
    },
  },
  stages: { a: { frames: 993, bytes: 4_000_000, busy: 0.5, restarts: 0, redispatched: 0, lost: 0 } },
  sinks: {
    o: {
      required: true,
      ledgers: {},
      promise: 'acknowledged',
      delivered: 990,
      redelivered: 0,
      refused: 0,
      outageMs: 0,
      latencyUs: { p50: 120, p90: 400, p99: 2500, max: 1_200_000 },
    },
  },
  latencyUs: { p50: 120, p90: 400, p99: 2500, max: 1_200_000 },
  throughput: { framesPerS: 500, bytesPerS: 2e6 },
};

const engine = vi.hoisted(() => ({
  report: undefined as unknown,
  signal: undefined as AbortSignal | undefined,
  spec: undefined as unknown,
}));

vi.mock('../../src/run/pipeline.js', () => ({
  Pipeline: class {
    closed = Promise.resolve(engine.report);
    constructor(readonly spec: unknown) {
      engine.spec = spec;
    }
    async start({ signal }: { signal: AbortSignal }): Promise<void> {
      engine.signal = signal;
    }
    progress(): object {
      return { received: 0, delivered: 0, dropped: 0, dead: 0, inFlight: 0, bytes: 0, queueDepth: 0 };
    }
  },
}));

const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'p.yaml');
writeFileSync(file, 'version: 1\nsources:\n  s: { type: sim, frames: 1, shape: [4, 4] }\nsinks:\n  o: { type: "null", from: s }\n');
const wrong = join(folder, 'wrong.yaml');
writeFileSync(wrong, 'version: 1\nsources:\n  s: { type: sim, frame: 1 }\nsinks:\n  o: { type: "null", from: t }\n');

interface Result {
  code: number;
  out: string[];
  err: string[];
}

async function cli(...args: string[]): Promise<Result> {
  const result: Result = { code: -1, out: [], err: [] };
  const output: Output = {
    out: (line) => result.out.push(line),
    err: (line) => result.err.push(output.formatErr?.(line) ?? line),
    raw: () => {},
    isTty: false,
    columns: 80,
  };
  result.code = await runCli(args, { output, signal: new AbortController().signal });
  return result;
}

beforeEach(() => {
  engine.report = REPORT;
});

describe('exit codes', () => {
  it('0 when the report is ok, 1 when it is not', async () => {
    expect((await cli('run', file)).code).toBe(0);
    engine.report = { ...REPORT, ok: false };
    expect((await cli('run', file)).code).toBe(1);
  });

  it.each([
    ['nonsense'],
    ['run'],
    ['run', 'a', 'b'],
    ['run', file, '--nope'],
    ['list', 'things'],
    ['graph', file, '--format', 'svg'],
    ['relay', 'detector'],
    ['sim'],
    ['sim', '--connect', 'tcp://h:1', '--frames', 'x'],
    [],
  ])('2 for the arguments %s %s %s %s', async (...args) => {
    const { code, out, err } = await cli(...args);
    expect(code).toBe(2);
    expect(out).toEqual([]);
    expect(err.length).toBeGreaterThan(0);
  });

  it('78 for a pipeline that is wrong, each error on a line of its own with its place and code', async () => {
    expect(await cli('validate', wrong)).toEqual({
      code: 78,
      out: [],
      err: [
        `millrace: ${wrong}:3:3: source 's' leads nowhere: no stage or sink takes from it [ERR_CONFIG_INVALID]`,
        `millrace: ${wrong}:3:19: unknown key 'frame', did you mean 'frames'? [ERR_CONFIG_INVALID]`,
        `millrace: ${wrong}:5:28: there is no source or stage 't' [ERR_CONFIG_INVALID]`,
      ],
    });
    expect((await cli('run', join(folder, 'gone.yaml'))).code).toBe(78);
  });
});

describe('validate', () => {
  const counting = join(folder, 'counting.yaml');
  const geometry = '{ detector: Eiger1M, distance: 0.1, poni1: 0, poni2: 0, wavelength: 1.0e-10 }';
  writeFileSync(
    counting,
    `version: 1\nsources:\n  s: { type: push, maxFrame: 8MiB }\nstages:\n  a:\n    from: s\n    operators: [{ type: integrate-azimuthal, geometry: ${geometry} }]\nsinks:\n  o: { type: "null", from: a }\n`,
  );
  // 1 gap of 37 rows of 1030 pixels: the detector has two modules of 514 x 1030.
  const notes = [
    'gaps: 38110 pixels in the gaps of Eiger1M are masked (gaps: false includes them)',
    'no data: all ones of unsigned integers, negative values of signed integers, left out (noData: false treats them as values)',
  ];

  it('prints what an operator masks and leaves out by itself', async () => {
    const { code, out } = await cli('validate', counting);
    expect([code, out.slice(1)]).toEqual([0, notes.map((note) => `  stage 'a', integrate-azimuthal: ${note}`)]);
  });

  it('gives it as notes with --json', async () => {
    const { out } = await cli('validate', counting, '--json');
    expect(JSON.parse(out[0]!)).toMatchObject({ notes: notes.map((note) => ({ stage: 'a', operator: 'integrate-azimuthal', note })) });
  });

  it('prints nothing of it where that is turned off', async () => {
    const off = ['gaps', 'noData'].flatMap((key) => ['--set', `stages.a.operators[0].${key}=false`]);
    expect((await cli('validate', counting, ...off)).out).toHaveLength(1);
  });
});

describe('--json', () => {
  it('gives errors as data', async () => {
    const { code, out, err } = await cli('validate', wrong, '--json');
    expect([code, err, out.length]).toEqual([78, [], 1]);
    const { ok, errors } = JSON.parse(out[0]!) as { ok: boolean; errors: unknown[] };
    expect(ok).toBe(false);
    expect(errors[1]).toEqual({
      code: 'ERR_CONFIG_INVALID',
      message: "unknown key 'frame', did you mean 'frames'?",
      place: { file: wrong, line: 3, column: 19, path: 'sources.s.frame' },
    });
    const usage = await cli('run', '--json');
    expect(JSON.parse(usage.out[0]!)).toMatchObject({ ok: false, errors: [{ code: 'ERR_USAGE' }] });
  });

  it('gives the report as it is', async () => {
    const { out, err } = await cli('run', file, '--json');
    expect(JSON.parse(out.join(''))).toEqual(REPORT);
    expect(err).toEqual([]);
  });
});

describe('run', () => {
  it('prints what became of every frame', async () => {
    const text = (await cli('run', file, '--wide')).out.join('\n');
    expect(text).toMatch(/source\s+received\s+delivered\s+merged\s+filtered\s+dropped\s+dead\s+in flight\s+bytes\s+verdict/);
    expect(text).toMatch(/s\s+1,000\s+990\s+0\s+3\s+7\s+0\s+0\s+4\.00 MB\s+incomplete/);
    expect(text).toContain('s: dropped 7 latest');
    expect(text).toContain('s: missing 5, 8-9');
    expect(text).toMatch(/o\s+990\s+0\s+0\s+-\s+120 us\s+400 us\s+2\.50 ms\s+1\.20 s/);
    expect(text).toContain('ledger: balanced');
    expect(text).not.toContain('dead letters');
    engine.report = { ...REPORT, deadLetters: { written: 1200, failed: 0, omitted: 3 } };
    expect((await cli('run', file)).out).toContain('dead letters: 1,200 written, 3 over the limit');
  });

  it('fits the tables into 80 columns, by leaving out columns that say the least', async () => {
    const { out } = await cli('run', file);
    for (const line of out) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(out.join('\n')).toMatch(/source\s+received\s+delivered\s+filtered\s+dropped\s+dead\s+bytes\s+verdict/);
  });

  it('prints the summary with --quiet, and nothing with --silent', async () => {
    expect((await cli('run', file, '--quiet')).out.join('\n')).toContain('ledger: balanced');
    expect(await cli('run', file, '--silent')).toEqual({ code: 0, out: [], err: [] });
  });

  it('makes one JSON object of each line on stderr with --log-format json, the summary and errors too', async () => {
    const { out, err } = await cli('run', file, '--log-format', 'json');
    expect(out).toEqual([]);
    const lines = err.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: expect.stringMatching(/^p: done in/), ok: true, delivered: { o: 990 } });
    expect(lines.at(-1)!.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const failed = await cli('run', file, '--log-format', 'json', '--report', join(folder, 'no/such/folder.json'));
    expect(JSON.parse(failed.err.at(-1)!)).toMatchObject({ level: 'error', code: 'ERR_USAGE' });
    const { err: unread } = await cli('run', wrong, '--log-format', 'json');
    expect(unread.map((line) => (JSON.parse(line) as { code: string }).code)).toEqual(Array(3).fill('ERR_CONFIG_INVALID'));
  });

  it('writes the report, and says when it cannot', async () => {
    const { readFileSync } = await import('node:fs');
    const report = join(folder, 'report.json');
    await cli('run', file, '--report', report);
    expect(JSON.parse(readFileSync(report, 'utf8'))).toEqual(REPORT);
    const failed = await cli('run', file, '--report', join(folder, 'no/such/folder.json'));
    expect(failed.code).toBe(2);
    expect(failed.err.at(-1)).toMatch(/the report cannot be written .*\[ERR_USAGE\]$/);
  });

  it('applies overrides, each of them', async () => {
    await cli('run', file, '--set', 'name=x', '--set', 'sources.s.frames=7');
    expect(engine.spec).toMatchObject({ name: 'x', sources: { s: { options: { frames: 7 } } } });
  });

  it('names what was not delivered, keeping stdout for a sink that prints', async () => {
    engine.report = {
      ...REPORT,
      ok: false,
      failures: [{ kind: 'error', message: 'late [ERR_DRAIN_DEADLINE]' }],
      undelivered: { o: 12 },
    };
    const { out, err } = await cli('relay', 'sim:?frames=1&shape=4x4');
    expect(out).toEqual([]);
    expect(err.join('\n')).toContain('not delivered: 12 to o');
    expect(err.join('\n')).toContain('late [ERR_DRAIN_DEADLINE]');
  });
});

describe('sim', () => {
  it('is a pipeline from the simulated detector to a socket', async () => {
    await cli(
      'sim',
      '--connect',
      'tcp://127.0.0.1:9999',
      '--pattern',
      'powder',
      '--shape',
      '2048x2048',
      '--frames',
      '100',
      '--rate',
      '50',
      '--seed',
      '1',
    );
    expect(engine.spec).toMatchObject({
      sources: { source: { type: 'sim', options: { pattern: 'powder', shape: [2048, 2048], frames: 100, rate: 50, seed: 1 } } },
      sinks: { sink: { type: 'zmq', options: { socket: 'push', connect: 'tcp://127.0.0.1:9999' } } },
    });
    await cli('sim', '--bind', 'tcp://127.0.0.1:9999', '--socket', 'pub', '--codec', 'msgpack');
    expect(engine.spec).toMatchObject({ sinks: { sink: { options: { socket: 'pub', bind: 'tcp://127.0.0.1:9999' }, codec: 'msgpack' } } });
  });
});

describe('what can be looked up', () => {
  it('every verb in the help', async () => {
    const { code, out } = await cli('--help');
    expect(code).toBe(0);
    for (const verb of ['run', 'validate', 'relay', 'list', 'graph', 'schema', 'sim', 'dlq', 'bench', 'info', 'demo'])
      expect(out.join('\n')).toMatch(new RegExp(`^  ${verb}\\b`, 'm'));
  });

  it('the lists, with options', async () => {
    const all = JSON.parse((await cli('list', '--json')).out.join('\n')) as Record<string, { type: string; options: object }[]>;
    expect(Object.keys(all)).toEqual(['sources', 'operators', 'sinks', 'codecs']);
    expect(all.sources!.find(({ type }) => type === 'sim')!.options).toHaveProperty('frames');
    expect(all.codecs!.map(({ type }) => type)).toContain('array-1.0');
    const sinks = (await cli('list', 'sinks')).out.join('\n');
    expect(sinks).toMatch(/^ {2}redis: /m);
    expect(sinks).not.toContain('operators:');
    expect(sinks.match(/^ +overflow /gm), 'told once, for all sinks').toHaveLength(1);
  });

  it('the schema, the graph, the machine', async () => {
    expect(JSON.parse((await cli('schema')).out.join('\n'))).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
    expect((await cli('graph', file)).out[0]).toContain('"s" -> "o" [label="block, 64"];');
    expect((await cli('graph', file, '--format', 'mermaid')).out[0]).toMatch(/^flowchart LR/);
    const info = JSON.parse((await cli('info', '--json')).out.join('\n')) as Record<string, unknown>;
    expect(info).toMatchObject({ node: process.versions.node, simd: true });
    expect(info.clients).toHaveProperty('zeromq', expect.stringMatching(/^6\./));
  });
});

describe('the cores of a cgroup', () => {
  it('are the least quota of the group and those above it', async () => {
    const { cgroupCores } = await import('../../src/cli/cgroup-cores.js');
    const root = join(folder, 'cgroup');
    mkdirSync(join(root, 'a/b'), { recursive: true });
    writeFileSync(join(folder, 'self'), '0::/a/b\n');
    expect(cgroupCores(root, join(folder, 'self'))).toBeUndefined();
    writeFileSync(join(root, 'a/b/cpu.max'), 'max 100000\n');
    writeFileSync(join(root, 'a/cpu.max'), '150000 100000\n');
    expect(cgroupCores(root, join(folder, 'self'))).toBe(1.5);
  });
});
