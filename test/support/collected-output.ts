import type { Output } from '../../src/cli/output.js';

export interface CollectedOutput extends Output {
  readonly lines: string[];
  readonly errors: string[];
}

/** An output that keeps what a verb prints. */
export function collectedOutput(): CollectedOutput {
  const lines: string[] = [];
  const errors: string[] = [];
  return { lines, errors, out: (line) => lines.push(line), err: (line) => errors.push(line), raw: () => {}, isTty: false, columns: 80 };
}
