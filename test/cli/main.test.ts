import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

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

  it.each(['SIGTERM', 'SIGINT'] as const)('drains at the first %s and ends with 0', async (signal) => {
    const run = millrace('run', pipeline('endless.yaml', 'type: "null"'));
    await until(() => run.stderr.includes('frames/s'), 'the first line of progress');
    run.child.kill(signal);
    expect(await run.ended).toBe(0);
    expect(run.stderr).toContain(`millrace: ${signal}: draining`);
    expect(run.stdout).toContain('ledger: balanced');
  });

  it('ends at once with 1 at the second signal, while a drain cannot end', async () => {
    // Nobody listens there: what was received is not delivered.
    const run = millrace('run', pipeline('stuck.yaml', 'type: zmq, connect: "tcp://127.0.0.1:9"'));
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
