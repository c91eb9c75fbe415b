import { basename } from 'node:path';
import type { LetterHeader } from '../../dead-letters/letter.js';
import { readLetterHeader } from '../../dead-letters/letter-file.js';
import { asMillraceError, EXIT } from '../../errors/errors.js';
import { byteLength } from '../../frame/dtype.js';
import type { CliContext } from '../context.js';
import { printable } from '../printable.js';
import { formatBytes } from '../quantities.js';
import { table } from '../table.js';
import { lettersIn } from './letter-paths.js';

/** `millrace dlq list DIR`: one row per letter; exit code 1 when a file is not a letter. */
export async function listLetters(directory: string, options: { readonly json?: boolean }, { output }: CliContext): Promise<number> {
  const letters: (LetterHeader & { file: string; bytes: number })[] = [];
  const unreadable: { file: string; message: string }[] = [];
  for (const path of await lettersIn(directory)) {
    const file = basename(path);
    try {
      const { fileBytes: _, ...header } = await readLetterHeader(path);
      letters.push({ ...header, file, bytes: byteLength(header.dtype, header.shape) });
    } catch (error) {
      unreadable.push({ file, message: asMillraceError(error, 'ERR_FORMAT').message });
    }
  }
  if (options.json) output.out(JSON.stringify({ letters, unreadable }));
  else {
    for (const { message } of unreadable) output.err(`millrace: ${printable(message)} [ERR_FORMAT]`);
    if (letters.length === 0) output.out(`no dead letters in ${directory}`);
    else {
      const rows = letters.map(({ file, source, ordinal, node, outcome, time, bytes }) => [
        ...[file, source].map(printable),
        String(ordinal),
        ...[node, outcome, time].map(printable),
        formatBytes(bytes),
      ]);
      for (const line of table(['file', 'source', 'ordinal', 'node', 'outcome', 'when', 'bytes'], rows)) output.out(line);
    }
  }
  return unreadable.length > 0 ? EXIT.failed : EXIT.done;
}
