import type { Letter } from '../../src/dead-letters/letter.js';

/** A letter with something in every field. */
export function someLetter(changes: Partial<Letter> = {}): Letter {
  return {
    pipeline: 'powder',
    pipelineHash: 'ab'.repeat(32),
    source: 'detector',
    ordinal: 500,
    index: 0,
    sequence: 2 ** 40 + 3,
    timestamp: 1_764_000_000.25,
    dtype: 'uint16',
    shape: [2, 3],
    meta: { columns: ['q_A^-1', 'I'], gain: 1.5, nested: { list: [1, -7, null, true, 'ü'] } },
    node: 'reduce',
    outcome: 'operator-failed',
    code: 'ERR_OPERATOR',
    message: 'the sky falls',
    stack: 'Error: the sky falls\n    at process (file:///operator.mjs:3:9)',
    attempts: 3,
    time: '2026-11-24T14:57:47.123Z',
    data: new Uint8Array(new Uint16Array([0, 1, 2, 256, 65_535, 7]).buffer),
    ...changes,
  };
}
