import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/models.mjs', import.meta.url));

const missing = ['spin', 'gcc'].filter((tool) => spawnSync(tool, [tool === 'spin' ? '-V' : '--version'], { stdio: 'ignore' }).error);
const suffix = missing.length > 0 ? ` (${missing.join(' and ')} missing: apt-get install spin gcc)` : '';
const skipped = missing.length > 0 && process.env.CI !== 'true';

function models(...options: string[]): { output: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [SCRIPT, ...options], { encoding: 'utf8' });
  return { output: stdout + stderr, status };
}

describe.skipIf(skipped)(`the models of the ring${suffix}`, () => {
  it('see every state of two frames of a chain, with a death anywhere, and no error', () => {
    const { output, status } = models('--only', 'chain', '--with', 'NF=2');
    expect(output).toMatch(/chain .* exhaustive .* ok/);
    expect(status).toBe(0);
  });

  it('notice a slot that is freed before its chain is read', () => {
    const { output, status } = models('--only', 'chain', '--with', 'M_READ_LATE');
    expect(output).toMatch(/M_READ_LATE .* caught/);
    expect(status).toBe(0);
  });
});
