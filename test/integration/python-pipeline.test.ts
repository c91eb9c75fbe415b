import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { MillraceRun } from '../support/run-millrace.js';
import { PYTHON, requireServer } from '../support/servers/require-server.js';
import { freePort } from '../support/servers/server-process.js';

const pyzmq = requireServer('pyzmq');
const FRAMES = 50;
const BINS = 100;

describe.skipIf(pyzmq.missing)(pyzmq.suite('a pipeline between two Python programs'), () => {
  const running: ChildProcess[] = [];
  let millrace: MillraceRun | undefined;
  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
    millrace?.dispose();
  });

  const example = (name: string, ...args: string[]): { ended: Promise<number | null>; readonly printed: string } => {
    const child = spawn(PYTHON, [fileURLToPath(new URL(`../../examples/python/${name}`, import.meta.url)), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(child);
    let printed = '';
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    return {
      ended: once(child, 'close').then(([code]) => code as number | null),
      get printed() {
        return printed;
      },
    };
  };

  it('reduces the frames of send.py to profiles that receive.py reads, every one, in order', async () => {
    const [frames, profiles] = [`tcp://127.0.0.1:${await freePort()}`, `tcp://127.0.0.1:${await freePort()}`];
    const receiver = example('receive.py', profiles, String(FRAMES));
    const sender = example('send.py', frames, String(FRAMES));
    millrace = new MillraceRun();
    const geometry = { distance: 0.2, poni1: 0.0192, poni2: 0.0192, pixel1: 75e-6, pixel2: 75e-6, wavelength: 1e-10, shape: [512, 512] };
    const { exitCode, report, stderr } = await millrace.run({
      version: 1,
      sources: { detector: { type: 'zmq', socket: 'pull', connect: frames, codec: 'array-1.0', frames: FRAMES } },
      stages: {
        reduce: {
          from: 'detector',
          workers: 2,
          operators: [{ type: 'integrate-azimuthal', geometry, bins: BINS, unit: 'q_A^-1', solidAngle: false }],
        },
      },
      sinks: { live: { type: 'zmq', from: 'reduce', socket: 'push', connect: profiles, codec: 'array-1.0' } },
    });
    expect(exitCode, stderr).toBe(0);
    expect(await Promise.all([sender.ended, receiver.ended])).toEqual([0, 0]);
    expect(report).toMatchObject({ ok: true, balanced: true, sinks: { live: { delivered: FRAMES } } });
    expect(report.sources.detector!.ledger.received).toBe(FRAMES);
    const lines = receiver.printed.trimEnd().split('\n');
    expect(lines).toHaveLength(FRAMES);
    for (const [number, line] of lines.entries()) {
      const [, frame, bins, highest] = /^(\d+): (\d+) bins, highest ([\d.]+) at q_A\^-1 = [\d.]+$/.exec(line) ?? [line];
      expect([Number(frame), Number(bins)]).toEqual([number, BINS]);
      // The sender draws from Poisson's distribution around 10; a bin is a mean of at least one pixel of these.
      expect(Number(highest)).toBeGreaterThan(10);
      expect(Number(highest)).toBeLessThan(35);
    }
  });
});
