import { createInterface } from 'node:readline/promises';
import { MillraceError } from '../errors/errors.js';

/** Asks a yes-or-no question on the terminal; only an explicit yes counts. */
export async function confirmOnTerminal(question: string): Promise<boolean> {
  return /^y(es)?$/i.test((await askOnTerminal(`${question} [y/N] `)).trim());
}

/** Asks for a line on the terminal. Rejects with ERR_CLOSED when the input ends, as by Ctrl-C or Ctrl-D. */
export async function askOnTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise<string>((resolve, reject) => {
      terminal.once('SIGINT', () => terminal.close());
      terminal.once('close', () => reject(new MillraceError('ERR_CLOSED', 'no answer was given')));
      terminal.question(question).then(resolve, reject);
    });
  } finally {
    terminal.close();
  }
}
