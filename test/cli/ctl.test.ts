import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, expect } from 'vitest';
import { itFull } from '../support/test-size.js';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'ctl-'));
const runs = join(home, `millrace-${process.getuid!()}`);
const env = { ...process.env, XDG_RUNTIME_DIR: home };
const PATIENCE_MS = 60_000;
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const millrace = (...args: string[]): Promise<Ended> => millraceIn({ env }, ...args);
const millraceIn = (options: { env: NodeJS.ProcessEnv }, ...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], options, (_, out, err) => resolve({ code: child.exitCode ?? -1, out, err }));
  });
const ctl = (...args: string[]): Promise<Ended> => millrace('ctl', ...args);

interface Run {
  readonly pid: number;
  readonly folder: string;
  readonly path: string;
  readonly ended: Promise<Ended>;
  kill(): void;
}

/** A run of simulated frames, until it is stopped. */
async function start(name: string, ...args: string[]): Promise<Run> {
  const file = join(home, `${name}.yaml`);
  writeFileSync(
    file,
    `version: 1
name: ${name}
sources: { s: { type: sim, pattern: noise, shape: [4, 6], dtype: uint16, rate: 50 } }
stages: { cut: { from: s, operators: [{ type: threshold, below: 5, above: 65535 }] } }
sinks: { out: { type: file, from: cut, path: "${name}-frames/{ordinal:06}.npy" } }
`,
  );
  const child = spawn(process.execPath, [MAIN, 'run', file, '--json', ...args], { env });
  started.push(child);
  let out = '';
  let err = '';
  child.stdout.on('data', (part) => {
    out += part;
  });
  child.stderr.on('data', (part) => {
    err += part;
  });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code: code ?? -1, out, err })));
  const at = args.indexOf('--run-dir');
  const folder = at < 0 ? join(runs, `${name}-${child.pid}`) : args[at + 1]!;
  const path = join(folder, 'ctl.sock');
  const end = performance.now() + PATIENCE_MS;
  while (JSON.parse((await talk(path, '{"do":"status"}\n').catch(() => '')) || '{}').state !== 'running') {
    if (child.exitCode !== null || performance.now() > end) throw new Error(`the run does not answer: ${err}`);
    await delay(50);
  }
  return { pid: child.pid!, folder, path, ended, kill: () => child.kill('SIGKILL') };
}

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

itFull('a run is steered through its socket, whatever other clients send, and leaves nothing behind', { timeout: 240_000 }, async () => {
  const { path, folder, ended } = await start('steered');
  expect(JSON.parse((await ctl('status', '--json')).out)).toMatchObject({ ok: true, state: 'running', name: 'steered' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await talk(path, 'garbage\n'))).toMatchObject({ ok: false, error: { code: 'ERR_USAGE' } });
  expect((await ctl('series', 'start', 's', 'scan', '--expected', '1000', '--first', '0')).code).toBe(0);
  expect((await ctl('series', 'end', 's', 'other')).code).toBe(2);
  const { closed } = JSON.parse((await ctl('series', 'end', 's', 'scan', '--json')).out);
  expect(closed).toMatchObject({ id: 'scan', expected: 1000, first: 0, ended: 'end', verdict: { state: 'incomplete' } });
  expect((await ctl('stop')).code).toBe(0);
  const { code, out } = await ended;
  // Some of the 1000 frames of the series did not arrive.
  expect(code).toBe(1);
  expect(JSON.parse(out).sources.s.series).toMatchObject([{ id: 'scan' }]);
  expect(existsSync(folder)).toBe(false);
  const late = await ctl('status');
  expect(late).toMatchObject({ code: 1, err: expect.stringContaining('no run is running') });
});

itFull('parameters change in a running pipeline; wrong ones are refused with 78 and change nothing', { timeout: 240_000 }, async () => {
  const { ended } = await start('changed');
  const inForce = async () => JSON.parse((await ctl('stages', '--json')).out).stages[0];
  const changed = await ctl('update', 'cut', 'threshold', 'below=60000', 'put=7', '--json');
  expect(changed, changed.err).toMatchObject({ code: 0 });
  const { hash, epoch } = JSON.parse(changed.out);
  expect(epoch).toBe(1);
  // Laid over what was there.
  const params = { below: 60000, put: 7, above: 65535 };
  expect(await inForce()).toMatchObject({ hash, epoch, operators: [{ type: 'threshold', params }] });
  for (const wrong of [['over=1'], ['above=[1'], ['above=high']]) {
    const { code, err } = await ctl('update', 'cut', '0', ...wrong);
    expect(code, err).toBe(wrong[0] === 'above=[1' ? 2 : 78);
  }
  expect((await ctl('update', 'cut', 'mask', 'file=x')).code).toBe(2);
  expect((await ctl('update', 'cut', '0')).code).toBe(2);
  expect(await inForce()).toMatchObject({ hash, epoch, operators: [{ params }] });
  const file = join(home, 'params.yaml');
  writeFileSync(file, 'below: 1\n');
  expect((await ctl('update', 'cut', '0', '--file', file)).code).toBe(0);
  expect((await inForce()).operators[0].params).not.toHaveProperty('above');
  await delay(200);
  expect((await ctl('update', 'cut', '0', '--file', join(home, 'none.yaml'))).code).toBe(78);
  await ctl('stop');
  const { code, out } = await ended;
  expect(code).toBe(0);
  const report = JSON.parse(out);
  expect(report).toMatchObject({ ok: true, balanced: true });
  expect(report.stages.cut.parameters.map((one: { epoch: number }) => one.epoch)).toEqual([0, 1, 2]);
  // The noise is about 10, never 60000: what the second set made is 7 all over, and nothing else is.
  const sevens = readdirSync(join(home, 'changed-frames'))
    .sort()
    .map((name) => readFileSync(join(home, 'changed-frames', name)))
    .map((npy) => Array.from({ length: 24 }, (_, i) => npy.readUInt16LE(npy.length - 48 + 2 * i)).every((value) => value === 7));
  expect(sevens.length).toBe(report.sources.s.ledger.delivered);
  const [first, last] = [sevens.indexOf(true), sevens.lastIndexOf(true)];
  expect(first).toBeGreaterThan(0);
  expect(last).toBeLessThan(sevens.length - 1);
  expect(sevens.slice(first, last + 1).every((seven) => seven)).toBe(true);
});

itFull('two runs are told apart by name, pid or folder, and what a killed one left is removed', { timeout: 240_000 }, async () => {
  const [left, right] = await Promise.all([start('left'), start('right')]);
  const ambiguous = await ctl('status');
  expect(ambiguous.code).toBe(2);
  for (const { pid } of [left, right]) expect(ambiguous.err).toContain(String(pid));
  for (const which of ['left', String(left.pid), left.folder, left.path])
    expect(JSON.parse((await ctl('status', which, '--json')).out), which).toMatchObject({ name: 'left', pid: left.pid });
  left.kill();
  await left.ended;
  expect(existsSync(left.path)).toBe(true);
  const list = JSON.parse((await ctl('list', '--json')).out);
  expect(list.runs).toMatchObject([{ name: 'right', pid: right.pid }]);
  expect(readdirSync(runs)).toEqual([`right-${right.pid}`]);
  right.kill();
  await right.ended;
  const next = await start('next');
  expect(readdirSync(runs)).toEqual([`next-${next.pid}`]);
  // What somebody put beside a socket stays.
  writeFileSync(join(next.folder, 'notes'), 'mine');
  next.kill();
  await next.ended;
  expect(JSON.parse((await ctl('list', '--json')).out).runs).toEqual([]);
  expect(readdirSync(next.folder)).toEqual(['notes']);
});

itFull(
  'a folder given for the socket is kept, reused after a kill, and refused where others could meddle',
  { timeout: 240_000 },
  async () => {
    const folder = join(home, 'own');
    mkdirSync(folder, { mode: 0o700 });
    const killed = await start('own', '--run-dir', folder);
    const second = await millrace('run', join(home, 'own.yaml'), '--run-dir', folder);
    expect(second).toMatchObject({ code: 2, err: expect.stringContaining('another process listens') });
    killed.kill();
    await killed.ended;
    const again = await start('own', '--run-dir', folder);
    expect((await ctl('stop', folder)).code).toBe(0);
    expect((await again.ended).code).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
    symlinkSync(folder, join(home, 'link'));
    mkdirSync(join(home, 'open'));
    chmodSync(join(home, 'open'), 0o777);
    for (const bad of ['link', 'open']) {
      const refused = await millrace('run', join(home, 'own.yaml'), '--run-dir', join(home, bad));
      expect(refused, bad).toMatchObject({ code: 2, err: expect.stringContaining('writable by others') });
    }
  },
);

itFull('a run whose own folder others could meddle with works without a socket, and says so', { timeout: 240_000 }, async () => {
  const other = join(home, 'meddled');
  mkdirSync(join(other, `millrace-${process.getuid!()}`), { recursive: true });
  chmodSync(join(other, `millrace-${process.getuid!()}`), 0o777);
  const file = join(home, 'short.yaml');
  writeFileSync(file, 'version: 1\nsources: { s: { type: sim, shape: [4, 6], frames: 3 } }\nsinks: { out: { type: "null", from: s } }\n');
  const alone = { env: { ...env, XDG_RUNTIME_DIR: other } };
  const warned = await millraceIn(alone, 'run', file, '--quiet');
  expect(warned).toMatchObject({ code: 0, err: expect.stringContaining('warning: no control socket') });
  expect(await millraceIn(alone, 'run', file, '--quiet', '--no-ctl')).toMatchObject({ code: 0, err: '' });
  // Nor is anybody believed who answers from there.
  const folder = join(other, `millrace-${process.getuid!()}`, `fake-${process.pid}`);
  mkdirSync(folder);
  const fake = createServer((socket) => socket.on('error', () => {}).write('{"id":1,"ok":true,"name":"fake","pid":1,"state":"running"}\n'));
  await new Promise<void>((resolve) => fake.listen(join(folder, 'ctl.sock'), resolve));
  const list = await millraceIn(alone, 'ctl', 'list', '--json');
  fake.close();
  expect(list).toMatchObject({ code: 0, out: '{"ok":true,"runs":[]}\n' });
});
