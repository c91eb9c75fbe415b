import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'ctl-'));
const env = { ...process.env, XDG_RUNTIME_DIR: home };
afterAll(() => rmSync(home, { recursive: true, force: true }));

const ctl = (...args: string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, 'ctl', ...args], { env }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });

function talk(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const socket = connect(path, () => socket.end(text));
    socket.on('data', (part) => {
      heard += part;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(heard));
  });
}

it('a run is steered through its socket, whatever other clients send, and leaves nothing behind', { timeout: 60_000 }, async () => {
  const file = join(home, 'p.yaml');
  writeFileSync(
    file,
    'version: 1\nname: steered\nsources: {s: {type: sim, pattern: noise, shape: [4, 6], dtype: uint16, rate: 50}}\nsinks: {out: {type: null, from: s}}\n'.replace(
      'type: null',
      'type: "null"',
    ),
  );
  const run = spawn(process.execPath, [MAIN, 'run', file, '--json'], { env });
  let report = '';
  let errors = '';
  run.stdout.on('data', (part) => {
    report += part;
  });
  run.stderr.on('data', (part) => {
    errors += part;
  });
  const exited = new Promise((resolve) => run.on('close', resolve));
  const path = join(home, `millrace-${process.getuid!()}`, `steered-${run.pid}`, 'ctl.sock');
  try {
    let state = '';
    for (let i = 0; i < 100 && state !== 'running' && run.exitCode === null; i++) {
      await delay(100);
      state = existsSync(path) ? JSON.parse((await ctl('status', '--json')).out || '{}').state : '';
    }
    expect(state, errors).toBe('running');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await talk(path, 'garbage\n'))).toMatchObject({ ok: false, error: { code: 'ERR_USAGE' } });
    expect((await ctl('series', 'start', 's', 'scan', '--expected', '1000')).code).toBe(0);
    expect((await ctl('series', 'end', 's', 'other')).code).toBe(2);
    const ended = JSON.parse((await ctl('series', 'end', 's', 'scan', '--json')).out);
    expect(ended.closed).toMatchObject({ id: 'scan', expected: 1000, ended: 'end', verdict: { state: 'incomplete' } });
    expect((await ctl('stop')).code).toBe(0);
    expect(await exited).toBe(0);
    expect(JSON.parse(report).sources.s.series).toMatchObject([{ id: 'scan' }]);
    expect(existsSync(path)).toBe(false);
  } finally {
    run.kill('SIGKILL');
  }
});
