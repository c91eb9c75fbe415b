import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/observe/report.js';
import { sized } from '../support/test-size.js';

// The built command, in processes of its own.
const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'millrace-main-'));
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

interface Run {
  readonly child: ChildProcess;
  stdout: string;
  stderr: string;
  readonly ended: Promise<number | null>;
}

function millrace(...args: string[]): Run {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  const run: Run = { child, stdout: '', stderr: '', ended: once(child, 'close').then(([code]) => code as number | null) };
  child.stdout!.on('data', (chunk) => {
    run.stdout += chunk;
  });
  child.stderr!.on('data', (chunk) => {
    run.stderr += chunk;
  });
  return run;
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 20) {
    if (waitedMs > 30_000) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function pipeline(name: string, sink: string): string {
  const file = join(folder, name);
  writeFileSync(
    file,
    `version: 1\nsources:\n  s: { type: sim, pattern: counter, shape: [8, 8], rate: 100 }\nsinks:\n  o: { ${sink}, from: s }\n`,
  );
  return file;
}

describe('the built command', () => {
  it('ends with 0, 2 and 78, errors on stderr', async () => {
    const help = millrace('--help');
    expect(await help.ended).toBe(0);
    expect(help.stdout).toContain('Usage: millrace');

    const usage = millrace('relay', 'nonsense');
    expect(await usage.ended).toBe(2);
    expect(usage.stderr).toMatch(/^millrace: 'nonsense': .*\[ERR_USAGE\]\n$/);

    const file = pipeline('wrong.yaml', 'type: nul');
    const wrong = millrace('validate', file);
    expect(await wrong.ended).toBe(78);
    expect(wrong.stderr).toMatch(new RegExp(`^millrace: ${file}:5:14: .* not 'nul', did you mean 'null'\\? \\[ERR_CONFIG_INVALID\\]\\n$`));
    expect(wrong.stdout).toBe('');
  });

  it('outlives a reader that has seen enough', async () => {
    const list = millrace('schema');
    list.child.stdout!.destroy();
    expect(await list.ended).toBe(0);
    expect(list.stderr).toBe('');
  });

  it.each(sized(['SIGHUP'] as const, ['SIGTERM', 'SIGINT', 'SIGHUP'] as const))(
    'drains at the first %s and ends with 0',
    async (signal) => {
      const run = millrace('run', pipeline('endless.yaml', 'type: "null"'), '--progress', '0.2');
      await until(() => run.stderr.includes('frames/s'), 'the first line of progress');
      run.child.kill(signal);
      expect(await run.ended).toBe(0);
      expect(run.stderr).toContain(`millrace: ${signal}: draining`);
      expect(run.stdout).toContain('ledger: balanced');
    },
  );

  it('drains quietly and ends with 0 when the reader of its output has gone', async () => {
    const report = join(folder, 'gone.json');
    const run = millrace('relay', 'sim:?pattern=counter&shape=8x8&rate=200', '--report', report);
    await until(() => run.stdout.includes('\n'), 'the first frame');
    run.child.stdout!.destroy();
    expect(await run.ended, run.stderr).toBe(0);
    expect(run.stderr).not.toMatch(/error|warning|draining|ledger/);
    // How many are unread depends on how fast the pipe was: what it had taken counts as printed.
    const { ok, sources, sinks } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    const { received, delivered, dropped, dead, inFlight } = sources.source!.ledger;
    expect({ ok, dead, inFlight }).toEqual({ ok: true, dead: {}, inFlight: 0 });
    const { unread = 0, ...others } = dropped;
    expect(others).toEqual({});
    expect(delivered + unread).toBe(received);
    expect(sinks.sink!.refused).toBe(unread);
  });

  it('delivers to the other sinks when the reader of its output has gone', async () => {
    const report = join(folder, 'two.json');
    const file = join(folder, 'two.yaml');
    writeFileSync(
      file,
      'version: 1\nsources:\n  s: { type: sim, pattern: counter, shape: [8, 8], rate: 200 }\nsinks:\n  p: { type: print, from: s }\n  o: { type: "null", from: s }\n',
    );
    const run = millrace('run', file, '--no-ctl', '--report', report);
    await until(() => run.stdout.includes('\n'), 'the first frame');
    run.child.stdout!.destroy();
    expect(await run.ended, run.stderr).toBe(0);
    const { sources, sinks } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    expect(sinks.o!.delivered).toBe(sources.s!.ledger.received);
  });

  it.each(sized(['SIGTERM'] as const, ['SIGTERM', 'SIGINT'] as const))('ends a start at %s, with 1', async (signal) => {
    // Nobody listens there: the start waits for the server.
    const run = millrace('run', pipeline('starting.yaml', 'type: redis, url: "redis://127.0.0.1:9", stream: x'), '--no-ctl');
    await until(() => run.stderr.includes('cannot reach'), 'the first attempt');
    run.child.kill(signal);
    expect(await run.ended).toBe(1);
    expect(run.stderr).toContain('stopped before the run began [ERR_CLOSED]');
    expect(run.stderr).not.toContain('forced exit');
  });

  it('ends at once with 1 at the second signal, while a drain cannot end', async () => {
    // Nobody listens there: what was received is not delivered.
    const run = millrace('run', pipeline('stuck.yaml', 'type: zmq, connect: "tcp://127.0.0.1:9"'), '--progress', '0.2');
    await until(() => run.stderr.includes('frames/s'), 'the first line of progress');
    run.child.kill('SIGTERM');
    await until(() => run.stderr.includes('draining'), 'the drain');
    const startMs = performance.now();
    run.child.kill('SIGTERM');
    expect(await run.ended).toBe(1);
    expect(run.stderr).toContain('forced exit');
    expect(performance.now() - startMs).toBeLessThan(5000);
  });
});
