import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { askRun } from '../../../src/cli/ctl/ask-run.js';
import { itFull } from '../../support/test-size.js';

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));
const IN_PTY = fileURLToPath(new URL('../../support/in-pty.py', import.meta.url));
const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;

const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?1049l';

// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
const COLOUR = /\u001b\[\d+m/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
const SEQUENCE = /\u001b\[[?\d;]*[A-Za-z]/g;

let folder: string;
let run: ChildProcess;
let socket: string;

/** Runs `millrace top` in a pseudo terminal. Each step waits until its text has come, then sends keys, a size or a signal. */
function inPty(args: readonly string[], steps: readonly object[], env: NodeJS.ProcessEnv = {}): { status: number | null; screen: string } {
  const { stdout, stderr } = spawnSync('python3', [IN_PTY, JSON.stringify({ command: [process.execPath, MAIN, 'top', ...args], steps })], {
    encoding: 'utf8',
    env: { ...process.env, TERM: 'xterm', LC_ALL: 'C.UTF-8', NO_COLOR: '', ...env },
  });
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout) as { status: number | null; screen: string };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-top-'));
  writeFileSync(
    join(folder, 'p.yaml'),
    `version: 1
name: shown
sources: { detector: { type: sim, pattern: noise, shape: [8, 8], rate: 100, maxFrame: 16KiB } }
stages:
  reduce: { from: detector, operators: [{ type: threshold, below: 5 }] }
  ramp: { from: reduce, operators: [{ type: ./ramp.mjs }] }
sinks:
  out: { type: "null", from: ramp }
  slow: { type: "null", from: reduce, delayMs: 200, overflow: latest, capacity: 4 }
`,
  );
  writeFileSync(
    join(folder, 'ramp.mjs'),
    `export default () => ({ process(frame, out) {
      const ramp = out.create({ dtype: 'float32', shape: [512] });
      for (let n = 0; n < 512; n++) ramp.data[n] = n;
      ramp.data[6] = ramp.data[7] = ramp.data[9] = NaN;
      out.emit(ramp);
    } });\n`,
  );
  run = spawn(process.execPath, [MAIN, 'run', 'p.yaml', '--quiet', '--run-dir', join(folder, 'run')], { cwd: folder, stdio: 'ignore' });
  socket = join(folder, 'run/ctl.sock');
  await vi.waitUntil(
    async () => {
      const { progress } = await askRun(socket, { do: 'progress' }).catch(() => ({ progress: undefined }));
      return ((progress as { received: number } | undefined)?.received ?? 0) > 50;
    },
    { timeout: 60_000, interval: 100 },
  );
}, 70_000);
afterAll(() => {
  run.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

describe('the control socket', () => {
  it('gives the latest profile of a sink, in 256 means of neighbours', async () => {
    const { profile } = await askRun(socket, { do: 'profile', sink: 'out' });
    const values = Array.from({ length: 256 }, (_, n) => (n === 3 ? null : n === 4 ? 8 : 2 * n + 0.5));
    expect(profile).toEqual({ source: 'detector', frame: expect.any(Number), items: 512, values });
    expect(await askRun(socket, { do: 'profile', sink: 'slow' })).toMatchObject({ ok: true, profile: null });
    expect(await askRun(socket, { do: 'profile', sink: 'toString' })).toMatchObject({ ok: false, error: { code: 'ERR_USAGE' } });
  });
});

describe('millrace top without a terminal', () => {
  itFull('prints one snapshot', () => {
    const { status, stdout } = spawnSync(process.execPath, [MAIN, 'top', socket], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/^shown {2}running {2}pid \d+/);
    expect(stdout).toMatch(/^detector +\d+ +/m);
    expect(stdout).toMatch(/^reduce +\d+ +\d+\/64 +\d+ % /m);
    expect(stdout).toMatch(/^out: frame \d+, 512 items\n_+ ?_/m);
    expect(stdout).toMatch(/^slow +\d+ +[0-4]\/\d+ /m);
    const json = JSON.parse(spawnSync(process.execPath, [MAIN, 'top', socket, '--json'], { encoding: 'utf8' }).stdout) as object;
    expect(json).toMatchObject({ ok: true, status: { name: 'shown' }, report: { version: 2 } });
    expect(json).toHaveProperty('queues', expect.arrayContaining([expect.objectContaining({ node: 'slow', frames: expect.any(Number) })]));
  });

  it('ends with 1 where no run answers', () => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, 'top', join(folder, 'gone')], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([1, expect.stringContaining('[ERR_CLOSED]')]);
  });
});

describe.runIf(hasPython)('millrace top in a pseudo terminal (python3)', { timeout: 60_000 }, () => {
  it('shows the run again and again, follows the size, and gives the screen back at q', () => {
    const { status, screen } = inPty(
      [socket, '--interval', '0.2'],
      [...Array.from({ length: 5 }, () => ({ until: 'q quits' })), { size: [12, 40] }, { until: '…' }, { keys: 'q' }],
    );
    expect(status).toBe(0);
    expect(screen.split(ENTER)).toHaveLength(2);
    expect(screen.trimEnd().endsWith(LEAVE)).toBe(true);
    expect(screen).toContain('\u001b[?25h');
    expect(screen).toContain('\u001b[1mshown');
    // The sparkline of the rate.
    expect(screen.split('\u001b[K').some((line) => /[▁▂▃▄▅▆▇█]$/.test(line))).toBe(true);
    // After the change of the size no screen has more rows or columns than the terminal.
    const small = screen.split('\u001b[H').at(-1)!.split(LEAVE)[0]!.split('\r\n');
    expect(small.length).toBeLessThanOrEqual(12);
    for (const line of small) expect(line.replace(SEQUENCE, '').length, line).toBeLessThanOrEqual(40);
  });

  it.each([
    ['Ctrl-C', { keys: '\u0003' }],
    ['SIGTERM', { signal: 15 }],
  ])('gives the screen back at %s', (_, step) => {
    const { screen } = inPty([socket], [{ until: 'q quits' }, step]);
    expect(screen.indexOf(LEAVE)).toBeGreaterThan(screen.indexOf(ENTER));
  });

  it('has no colour with NO_COLOR, and no block characters outside of UTF-8', () => {
    const { screen } = inPty([socket], [{ until: 'q quits' }, { keys: 'q' }], { NO_COLOR: '1', LC_ALL: 'C' });
    expect(screen).not.toMatch(COLOUR);
    expect(screen).toMatch(/ [#.]{10}/);
    expect(screen).not.toContain('█');
  });

  itFull('prints one snapshot on a terminal that can do nothing, or with --once', () => {
    expect(inPty([socket], [], { TERM: 'dumb' }).screen).not.toContain('\u001b');
    expect(inPty([socket, '--once'], []).screen).not.toContain('\u001b');
  });

  it('ends with the run', () => {
    const { status, screen } = inPty([socket, '--interval', '0.2'], [{ until: 'q quits' }, { kill: run.pid, signal: 15 }]);
    expect(status).toBe(0);
    expect(screen.split(LEAVE)[1]).toContain('shown: the run has ended');
  });
});
