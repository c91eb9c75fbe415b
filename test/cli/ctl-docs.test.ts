import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { PYTHON, pythonHas } from '../support/python.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const main = join(root, 'dist/src/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'ctl-docs-'));
const options = { cwd: folder, env: { ...process.env, XDG_RUNTIME_DIR: folder } };
const run = promisify(execFile);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The one block of a language in a document that holds a text. */
function block(document: string, language: string, holding: string): string {
  const blocks = [...readFileSync(join(root, document), 'utf8').matchAll(/```(\w+)\n([\s\S]*?)```/g)];
  const found = blocks.filter(([, name, text]) => name === language && text!.includes(holding));
  expect(found).toHaveLength(1);
  return found[0]![2]!;
}

it('the commands of the guide and the client of the reference work on a run as documented', { timeout: 60_000 }, async () => {
  writeFileSync(join(folder, 'pipeline.yaml'), block('docs/guide/your-operator.md', 'yaml', 'version: 1'));
  writeFileSync(join(folder, 'hit-finder.mjs'), block('docs/guide/your-operator.md', 'js', 'hitFinder'));
  const [command, ...args] = block('docs/guide/operating.md', 'sh', 'detector.rate=50\n').trim().split(' ');
  expect(command).toBe('millrace');
  const child = spawn(process.execPath, [main, ...args, '--json'], options);
  let report = '';
  child.stdout.on('data', (part) => {
    report += part;
  });
  const exited = new Promise((resolve) => child.on('close', resolve));
  try {
    const ctl = async (...words: string[]): Promise<string> => (await run(process.execPath, [main, 'ctl', ...words], options)).stdout;
    for (let i = 0; i < 100 && !(await ctl('list')).includes('running'); i++) await delay(100);
    const path = JSON.parse(await ctl('list', '--json')).runs[0].path as string;
    if (pythonHas('socket')) {
      const { stdout } = await run(PYTHON, ['-c', block('docs/reference/control.md', 'python', 'AF_UNIX'), path], options);
      expect(stdout).toBe(
        "running\n1\nend\nERR_CONFIG_INVALID: stages.reduce.operators[0].under: unknown key 'under' (known: below, above, put)\n",
      );
    }
    const said: Record<string, string> = {};
    for (const line of block('docs/guide/operating.md', 'sh', 'ctl list').trim().split('\n')) {
      const words = line.split(' ');
      expect(words.slice(0, 2)).toEqual(['millrace', 'ctl']);
      said[words.slice(2, 4).join(' ')] = await ctl(...words.slice(2));
    }
    expect(said.list).toMatch(/^spots {2}\d+ {2}running {2}/);
    expect(said.progress).toContain('"received"');
    expect(said.stages).toContain('"threshold"');
    expect(said['update reduce']).toMatch(/^hash: [0-9a-f]{16}\nepoch: \d+\n$/);
    expect(said['series end']).toContain('"incomplete"');
    // The series announces more frames than arrive, and the run fails for this reason alone.
    expect(await exited).toBe(1);
    const { failures, stages } = JSON.parse(report);
    expect(failures).toEqual([expect.objectContaining({ kind: 'incomplete', node: 'detector' })]);
    expect(stages.reduce.parameters.at(-1).operators[0]).toMatchObject({ type: 'threshold', below: 8 });
  } finally {
    child.kill('SIGKILL');
  }
});
