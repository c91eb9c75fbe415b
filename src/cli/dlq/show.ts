import { writeFile } from 'node:fs/promises';
import { writeNpy } from '../../codecs/npy.js';
import { readLetter, readLetterHeader } from '../../dead-letters/letter-file.js';
import { asMillraceError, EXIT } from '../../errors/errors.js';
import { byteLength } from '../../frame/dtype.js';
import type { CliContext } from '../context.js';
import { printable } from '../printable.js';

/** `millrace dlq show FILE`: prints a letter; `data` names an NPY file for its frame. */
export async function showLetter(
  file: string,
  options: { readonly json?: boolean; readonly data?: string },
  { output }: CliContext,
): Promise<number> {
  const { fileBytes: _, ...header } = await readLetterHeader(file);
  const bytes = byteLength(header.dtype, header.shape);
  if (options.data !== undefined) await writeFrame(file, options.data);
  if (options.json) {
    output.out(JSON.stringify({ file, bytes, ...header }));
    return EXIT.done;
  }
  const { stack, ...fields } = header;
  for (const [key, value] of Object.entries({ file, ...fields, bytes })) {
    const text = typeof value === 'object' ? JSON.stringify(value) : value === undefined ? '-' : String(value);
    output.out(`${key.padEnd(12)}  ${printable(text)}`);
  }
  for (const line of stack?.split('\n') ?? []) output.out(`  ${printable(line)}`);
  return EXIT.done;
}

async function writeFrame(file: string, target: string): Promise<void> {
  const { dtype, shape, data } = await readLetter(file);
  try {
    await writeFile(target, writeNpy({ dtype, shape, data }));
  } catch (error) {
    throw asMillraceError(error, 'ERR_USAGE', `the frame cannot be written to ${target}`);
  }
}
