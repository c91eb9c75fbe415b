import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FIRST_OPERATORS, FIRST_SINKS, FIRST_SOURCES, firstPipeline } from '../../src/cli/first-pipeline.js';
import { runCli } from '../../src/cli/program.js';
import { plan } from '../../src/plan/plan.js';
import { parsePipeline } from '../../src/spec/load.js';
import { collectedOutput } from '../support/collected-output.js';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-init-'));
  file = join(folder, 'p.yaml');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function init(args: readonly string[], answers?: string[]) {
  const output = collectedOutput();
  const questions: string[] = [];
  const ask = async (question: string): Promise<string> => {
    questions.push(question);
    return answers!.shift()!;
  };
  const code = await runCli(['init', file, ...args], { output, signal: new AbortController().signal, ...(answers ? { ask } : {}) });
  return { code, questions, ...output };
}

describe('millrace init', () => {
  it('writes a pipeline that the command validates and runs, without a terminal by the defaults', () => {
    const millrace = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: 'utf8' });
    const made = millrace('init');
    expect([made.status, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toContain('pipeline.yaml: written (source sim, operator threshold, sink file)');
    expect(millrace('validate', 'pipeline.yaml').status).toBe(0);
    const ran = millrace('run', 'pipeline.yaml', '--set', 'sources.detector.frames=3');
    expect(ran.status, ran.stderr).toBe(0);
    expect(existsSync(join(folder, 'results/frame-000002.npy'))).toBe(true);
  });

  it.each(Object.keys(FIRST_OPERATORS))(
    'writes a file that can be planned with operator %s, and each source and sink',
    async (operator) => {
      for (const source of Object.keys(FIRST_SOURCES).filter((name) => name !== 'file'))
        for (const sink of Object.keys(FIRST_SINKS))
          await plan(await parsePipeline(firstPipeline(source, operator, sink), { file: 'first.yaml', baseDir: folder }));
      writeFileSync(join(folder, 'one.npy'), '');
      await parsePipeline(firstPipeline('file', operator, 'print').replace('frames/*.npy', 'one.npy'), { file: 'f', baseDir: folder });
    },
  );

  it('asks at a terminal for what no option says, and again after a wrong answer', async () => {
    const { code, questions, errors } = await init(['--sink', 'print'], ['simm', 'sim', '']);
    expect(code).toBe(0);
    expect(questions).toEqual(['source [sim]: ', 'source [sim]: ', 'operator [threshold]: ']);
    expect(errors.join('\n')).toContain("there is no source 'simm' to start with, did you mean 'sim'?");
    expect(readFileSync(file, 'utf8')).toContain('type: print');
  });

  it('replaces a file with --force only', async () => {
    writeFileSync(file, 'mine');
    const { code, errors } = await init([], []);
    expect([code, errors]).toEqual([2, [expect.stringMatching(/p\.yaml exists already\. .*--force\. \[ERR_USAGE\]$/)]]);
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect((await init(['--force', '--json'])).lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { ok: true, source: 'sim' },
    ]);
    expect(readFileSync(file, 'utf8')).toContain('version: 1');
  });

  it('refuses what it does not know and a folder that is missing', async () => {
    const { code, errors } = await init(['--operator', 'treshold']);
    expect([code, errors[0]]).toEqual([2, expect.stringContaining("init has no operator 'treshold', did you mean 'threshold'?")]);
    file = join(folder, 'gone/p.yaml');
    expect((await init([])).code).toBe(2);
  });
});
