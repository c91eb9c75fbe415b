import { unlink } from 'node:fs/promises';
import { asMillraceError, EXIT, MillraceError } from '../../errors/errors.js';
import type { CliContext } from '../context.js';
import { letterPaths } from './letter-paths.js';

/** `millrace dlq drop DIR|FILE...`: removes letters permanently, after a question or with `yes`. */
export async function dropLetters(
  paths: readonly string[],
  options: { readonly json?: boolean; readonly yes?: boolean },
  { output, confirm }: CliContext,
): Promise<number> {
  const files = await letterPaths(paths);
  if (files.length > 0 && !options.yes) {
    if (!confirm) throw new MillraceError('ERR_USAGE', `this would permanently remove ${count(files.length)}; confirm with --yes`);
    if (!(await confirm(`Permanently remove ${count(files.length)}?`))) {
      output.err('millrace: nothing was removed');
      return EXIT.failed;
    }
  }
  for (const file of files) {
    try {
      await unlink(file);
    } catch (error) {
      throw asMillraceError(error, 'ERR_USAGE', `${file} cannot be removed`);
    }
  }
  output.out(options.json ? JSON.stringify({ ok: true, removed: files }) : `${count(files.length)} removed`);
  return EXIT.done;
}

const count = (letters: number): string => (letters === 1 ? '1 dead letter' : `${letters} dead letters`);
