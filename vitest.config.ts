import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const shared = {
  pool: 'forks' as const,
  testTimeout: 60_000,
  hookTimeout: 120_000,
  server: { deps: { external: [/[\\/]dist[\\/]/] } },
};

/** Files with tests that have a long form: they ask test/support/test-size.ts which one is wanted. */
const long = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => join('test', path))
  .filter((path) => /support\/(test-size|counter-pipeline)\.js'/.test(readFileSync(path, 'utf8')));

/** Leaves these files to the project `long`, where their long forms contain the short ones. */
const longApart = process.env.MILLRACE_TEST_LONG_APART === 'true';

/** Files that run at a time: many tests wait rather than compute. */
const AT_ONCE = Math.max(3, availableParallelism());

export default defineConfig({
  test: {
    projects: [
      // `npm test`: everything but timing, with random tests in their short form.
      {
        test: {
          ...shared,
          name: 'main',
          include: ['test/**/*.test.ts'],
          exclude: ['test/bench/**', ...(longApart ? long : [])],
          maxWorkers: AT_ONCE,
          sequence: { groupOrder: 0 },
        },
      },
      // `npm run test:full` also runs the long forms.
      {
        test: {
          ...shared,
          name: 'long',
          include: long,
          testTimeout: 600_000,
          env: { MILLRACE_TEST_SIZE: 'full' },
          maxWorkers: AT_ONCE,
          sequence: { groupOrder: 1 },
        },
      },
      // What measures runs when nothing else does.
      { test: { ...shared, name: 'bench', include: ['test/bench/**/*.test.ts'], maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
