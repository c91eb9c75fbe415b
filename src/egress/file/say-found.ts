import { readdir } from 'node:fs/promises';
import type { Logger } from '../../errors/logger.js';
import type { PathTemplate } from './path-template.js';

/** Says how many files are in a folder already that a run of this path could have written. */
export async function sayFound(
  folder: string,
  template: PathTemplate,
  fate: 'none is replaced' | 'it is replaced',
  log: Logger,
): Promise<void> {
  const files = (await readdir(folder)).filter((name) => !name.startsWith('.') && template.matches(name)).length;
  if (files === 0) return;
  log.info({ folder, files }, `${folder} has ${files} ${files === 1 ? 'file' : 'files'} already that match ${template}; ${fate}`);
}
