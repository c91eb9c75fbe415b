import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export type Requirement = 'redis' | 'kafka' | 'pyzmq';

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace');
export const KAFKA_JARS = join(CACHE, 'kafka-4.3.1');
const VENV_PYTHON = join(CACHE, 'python', 'bin', 'python');

const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore', timeout: 30_000 }).status === 0;

/** A Python that has pyzmq and numpy; another one by MILLRACE_PYTHON. */
export const PYTHON = process.env.MILLRACE_PYTHON ?? (existsSync(VENV_PYTHON) ? VENV_PYTHON : 'python3');

const PRESENT: Record<Requirement, () => boolean> = {
  redis: () => runs('redis-server', '--version'),
  kafka: () => existsSync(join(KAFKA_JARS, '.complete')) && runs('javac', '-version'),
  pyzmq: () => runs(PYTHON, '-c', 'import zmq, numpy'),
};

/**
 * Whether a real server (or client) that a suite needs is here, and the name that the suite then bears:
 * `describe.skipIf(redis.missing)(redis.suite('...'), ...)`. Where CI=true, something missing is a failure.
 */
export function requireServer(name: Requirement): { missing: boolean; suite(title: string): string } {
  const missing = !PRESENT[name]();
  const hint = `needs ${name}: run scripts/install-servers.sh`;
  if (missing && process.env.CI === 'true') throw new Error(hint);
  return { missing, suite: (title) => (missing ? `${title} (skipped, ${hint})` : title) };
}
