import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { csvText, tableOf, writeProfile } from '../../../src/cli/demo/write-results.js';

function message(values: readonly number[], shift = 0) {
  const bytes = new Uint8Array(shift + values.length * 8);
  for (const [index, value] of values.entries()) new DataView(bytes.buffer).setFloat64(shift + index * 8, value, true);
  return { dtype: 'float64', shape: [3, 2], data: bytes.subarray(shift), meta: { columns: ['q_A^-1', 'intensity', 'sigma'] } } as const;
}

describe('demo results', () => {
  it('reads a profile at any address of a message and writes every digit of it', () => {
    const table = tableOf(message([0.1, 0.2, 1 / 3, 2, 0.5, 0.25], 3));
    expect(csvText(table)).toBe('q_A^-1,intensity,sigma\n0.1,0.3333333333333333,0.5\n0.2,2,0.25\n');
  });

  it('refuses what is no table', () => {
    const good = message([1, 2, 3, 4, 5, 6]);
    for (const bad of [
      { ...good, dtype: 'float32' },
      { ...good, shape: [2, 2] },
      { ...good, meta: {} },
      { ...good, data: good.data.subarray(8) },
    ] as const)
      expect(() => tableOf(bad)).toThrow(expect.objectContaining({ code: 'ERR_MESSAGE_MALFORMED' }));
  });

  it('leaves bins without pixels out of the plot, but not out of the CSV', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-results-'));
    try {
      const table = tableOf({ ...message([]), shape: [3, 3], data: message([1, 2, 3, 7, 0, 8, 1, 0, 1]).data });
      await writeProfile(folder, table, { title: 't', note: 'n', marks: [] });
      expect(readFileSync(join(folder, 'profile.csv'), 'utf8')).toContain('\n2,0,0\n');
      const line = /<polyline points="([^"]*)"/.exec(readFileSync(join(folder, 'profile.svg'), 'utf8'))![1]!;
      expect(line.split(' ')).toHaveLength(2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
