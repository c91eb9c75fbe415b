import { defineConfig } from 'vitest/config';

const shared = {
  pool: 'forks' as const,
  testTimeout: 60_000,
  hookTimeout: 120_000,
  server: { deps: { external: [/[\\/]dist[\\/]/] } },
};

export default defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'main', include: ['test/**/*.test.ts'], exclude: ['test/bench/**'], sequence: { groupOrder: 0 } } },
      // What measures runs when nothing else does.
      { test: { ...shared, name: 'bench', include: ['test/bench/**/*.test.ts'], maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
