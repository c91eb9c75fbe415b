// The long forms, which take hours in all:  node dist/bench/soak.js [guard|recovery|hostile|kill|locks|pipelines|memory|zmtp ...] [--times N]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commandLine, countOf, refuse } from './support/command-line.js';

interface Soak {
  /** Rounds, unless `--times` says otherwise. */
  readonly times: number;
  readonly script?: string;
  readonly tests?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const SOAKS: Readonly<Record<string, Soak>> = {
  // An unchanged tree passes the guard every time.
  guard: { times: 10, script: './guard.js' },
  recovery: {
    times: 1,
    tests: ['test/run/recovery.test.ts', 'test/ring/census.test.ts'],
    env: { MILLRACE_TEST_KILLS: '300', MILLRACE_TEST_ROUNDS: '100', MILLRACE_TEST_OUTPUT_DEATHS: '1000' },
  },
  hostile: { times: 1, tests: ['test/ingress/hostile-array.test.ts'], env: { MILLRACE_TEST_MESSAGES: '1000000' } },
  kill: { times: 1, tests: ['test/integration/kill.test.ts'], env: { MILLRACE_TEST_PROCESS_KILLS: '50' } },
  locks: {
    times: 1,
    tests: ['test/plan/no-deadlock.test.ts', 'test/plan/no-deadlock-threads.test.ts'],
    env: { MILLRACE_TEST_PIPELINES: '20000', MILLRACE_TEST_THREAD_PIPELINES: '50', MILLRACE_TEST_HOLD_MS: '1000' },
  },
  pipelines: {
    times: 1,
    tests: ['test/run/random-pipelines.test.ts'],
    env: { MILLRACE_TEST_SIZE: 'full', MILLRACE_TEST_PIPELINES: '5000' },
  },
  memory: {
    times: 1,
    tests: ['test/integration/memory.test.ts'],
    env: { MILLRACE_TEST_MEMORY_SECONDS: '600', MILLRACE_TEST_STALL_EVERY: '10' },
  },
  zmtp: {
    times: 1,
    tests: ['test/transports/zmtp/fuzz.test.ts', 'test/transports/zmtp/deaths.test.ts'],
    env: {
      MILLRACE_TEST_ZMTP_STREAMS: '1000000000',
      MILLRACE_TEST_ZMTP_SECONDS: '600',
      MILLRACE_TEST_ZMTP_DEATHS: '200',
      MILLRACE_TEST_ZMTP_TERMINATIONS: '200',
    },
  },
};

const USAGE = `npm run soak -- [${Object.keys(SOAKS).join('|')} ...] [--times N]`;
const { values, positionals } = commandLine(USAGE, () =>
  parseArgs({ allowPositionals: true, options: { help: { type: 'boolean', short: 'h' }, times: { type: 'string' } } }),
);
const unknown = positionals.filter((name) => !Object.hasOwn(SOAKS, name));
if (unknown.length > 0) refuse(USAGE, `no such soak: ${unknown.join(', ')}`);
const names = positionals.length > 0 ? positionals : Object.keys(SOAKS);
const times = values.times === undefined ? undefined : countOf(USAGE, 'times', values.times);

const root = fileURLToPath(new URL('../../', import.meta.url));
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));

function run({ script, tests = [], env }: Soak, seed: number | undefined): boolean {
  const args = script ? [fileURLToPath(new URL(script, import.meta.url))] : [vitest, 'run', '--project', 'main', ...tests];
  const seeded = seed === undefined ? {} : { MILLRACE_TEST_SEED: String(seed) };
  return spawnSync(process.execPath, args, { stdio: 'inherit', cwd: root, env: { ...process.env, ...env, ...seeded } }).status === 0;
}

const start = performance.now();
const minutes = (): string => `${((performance.now() - start) / 60_000).toFixed(1)} min`;
const results: string[] = [];
for (const name of names) {
  const soak = SOAKS[name]!;
  const rounds = times ?? soak.times;
  let passed = 0;
  for (let round = 1; round <= rounds; round++) {
    console.log(`=== ${name} ${round} of ${rounds}, after ${minutes()}`);
    // The first round has the seed that everybody has; the others have one of their own, which the test prints.
    if (run(soak, round === 1 ? undefined : Date.now() % 2 ** 31)) passed++;
  }
  if (passed < rounds) process.exitCode = 1;
  results.push(`${name}: ${passed} of ${rounds} passed`);
  console.log(`=== ${results.at(-1)}, after ${minutes()}`);
}
console.log(results.join('\n'));
