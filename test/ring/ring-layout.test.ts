import { describe, expect, it } from 'vitest';
import { FLAGS, SLOT } from '../../src/frame/slot-layout.js';
import { createArena } from '../../src/memory/arena.js';
import { OUTCOME } from '../../src/observe/outcome.js';
import { ARRAY, BELL, ENTRY, LINE, RING, SOURCE, VIEWS } from '../../src/ring/ring-layout.js';
import { ringConstants } from '../../src/ring/ring-operations.js';

const upper = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

describe('the layout that TypeScript and WebAssembly share', () => {
  it('every offset that the module exports is the one of the layout', () => {
    const layout: Record<string, number> = {};
    for (const [prefix, table] of Object.entries({ RING, ARRAY, BELL, LINE, SOURCE, VIEWS, ENTRY, SLOT, FLAG: FLAGS })) {
      for (const [name, offset] of Object.entries(table)) layout[`${prefix}_${upper(name)}`] = offset;
    }
    for (const [name, code] of Object.entries(OUTCOME)) layout[`CODE_${name.toUpperCase().replaceAll('-', '_')}`] = code;
    const exported = ringConstants(createArena(65536));
    expect(Object.keys(exported).length).toBeGreaterThan(40);
    for (const [name, value] of Object.entries(exported)) expect([name, layout[name]]).toEqual([name, value]);
  });
});
