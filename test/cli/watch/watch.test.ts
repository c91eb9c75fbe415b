import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WatchedFiles } from '../../../src/cli/watch/watched-files.js';

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));
let folder: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-watch-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const pipeline = (name: string, more = ''): string => `version: 1
name: ${name}
sources:
  s: { type: sim, pattern: noise, shape: [4, 4], rate: 50 ${more} }
stages:
  a: { from: s, operators: [{ type: ./op.mjs }] }
sinks:
  o: { type: "null", from: a }
`;
const operator = (text: string): string => `export default () => ({ process(frame, out) { ${text} } });\n`;

describe('millrace run --watch', () => {
  it('restarts on a change, goes on where the change is wrong, and drains each run', { timeout: 120_000 }, async () => {
    const write = (name: string, text: string): void => {
      // As editors do: the file is replaced.
      writeFileSync(join(folder, `.${name}~`), text);
      renameSync(join(folder, `.${name}~`), join(folder, name));
    };
    write('p.yaml', pipeline('one'));
    write('op.mjs', operator('out.emit(frame);'));
    child = spawn(process.execPath, [MAIN, 'run', 'p.yaml', '--watch', '--no-ctl', '--progress', '1', '--wide'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout!.on('data', (chunk: Buffer) => (out += chunk));
    child.stderr!.on('data', (chunk: Buffer) => (err += chunk));
    const until = (look: () => unknown): Promise<unknown> => vi.waitUntil(look, { timeout: 30_000, interval: 50 });
    const exited = once(child, 'exit');

    // The first line of progress: frames flow.
    await until(() => /received/.test(err));
    write('p.yaml', pipeline('two', ', patern: noise'));
    await until(() => err.includes('p.yaml changed but has errors: the run continues unchanged'));
    expect(err).toMatch(/^millrace: p\.yaml:4:\d+: unknown key 'patern', did you mean 'pattern'\? \[ERR_CONFIG_INVALID\]$/m);
    expect(out).toBe('');

    write('p.yaml', pipeline('two'));
    await until(() => err.includes('p.yaml changed: draining the run before a restart') && out.includes('ledger: balanced'));
    expect(out).toMatch(/^one: done in /m);

    write('op.mjs', operator('out.emit(;'));
    await until(() => err.includes('op.mjs changed but has errors'));
    expect(err).toMatch(/op\.mjs:1:\d+/);
    write('op.mjs', operator(''));
    await until(() => /^two: done in /m.test(out));

    write('p.yaml', pipeline('three', ', frames: 7'));
    await until(() => err.includes('waiting for a change of its files'));
    // The operator of the third run is the changed one: it filters.
    expect(out).toMatch(/^three: done [\s\S]*^s +7 +0 +0 +7 /m);

    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });

  it('ends with 78 where the file is wrong from the start', async () => {
    writeFileSync(join(folder, 'p.yaml'), 'version: 2\n');
    child = spawn(process.execPath, [MAIN, 'run', 'p.yaml', '--watch'], { cwd: folder, stdio: 'ignore' });
    expect(await once(child, 'exit')).toEqual([78, null]);
  });
});

describe('watched files', () => {
  it('are told once they rest, each change once, and a file that appears is one', async () => {
    const files = ['a', 'b'].map((name) => join(folder, name));
    writeFileSync(files[0]!, '1');
    const watched = new WatchedFiles();
    try {
      watched.add(files);
      const { signal } = new AbortController();
      writeFileSync(files[0]!, '22');
      expect(await watched.changed(signal)).toEqual([files[0]]);
      const next = watched.changed(signal);
      writeFileSync(files[1]!, '3');
      expect(await next).toEqual([files[1]]);
      const stop = new AbortController();
      const none = watched.changed(stop.signal);
      stop.abort();
      expect(await none).toEqual([]);
    } finally {
      watched.close();
    }
  });
});
