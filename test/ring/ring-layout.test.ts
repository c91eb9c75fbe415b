import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FLAGS, SLOT } from '../../src/frame/slot-layout.js';
import { OUTCOME } from '../../src/observe/outcome.js';
import { ARRAY, BELL, ENTRY, LEDGER, LINE, POLICY, RING, SOURCE, VIEWS } from '../../src/ring/ring-layout.js';

const source = readFileSync(new URL('../../src/ring/assembly/layout.ts', import.meta.url), 'utf8');
const constants = new Map([...source.matchAll(/^export const (\w+): \w+ = (-?\d+);$/gm)].map(([, name, value]) => [name!, Number(value)]));

const upper = (name: string): string =>
  name
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()
    .replaceAll('-', '_');

describe('the layout that TypeScript and AssemblyScript share', () => {
  it('the generated constants are the offsets and codes of the layout', () => {
    for (const [prefix, table] of Object.entries({
      RING,
      ARRAY,
      BELL,
      LINE,
      SOURCE,
      VIEWS,
      ENTRY,
      SLOT,
      POLICY,
      FLAG: FLAGS,
      CODE: OUTCOME,
    })) {
      for (const [name, value] of Object.entries(table)) expect([name, constants.get(`${prefix}_${upper(name)}`)]).toEqual([name, value]);
    }
  });

  it('the words of a bank become offsets in bytes', () => {
    expect(constants.get('LEDGER_LOW')).toBe(LEDGER.low * 4);
    expect(constants.get('LEDGER_COUNTS')).toBe(LEDGER.counts * 4);
  });

  it('the offsets are those of docs/internals/ring.md', () => {
    expect(constants.get('RING_TAIL')).toBe(128);
    expect(constants.get('RING_CELLS')).toBe(384);
    expect(constants.get('ENTRY_OWED')).toBe(8);
    expect(constants.get('LINE_RECORD')).toBe(256);
    expect(constants.get('EMPTY')).toBe(0xff_ff_ff_ff);
  });
});
