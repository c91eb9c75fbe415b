import { readdir } from 'node:fs/promises';
import type { Logger } from '../../errors/logger.js';
import type { PathTemplate } from './path-template.js';

/** Reports how many existing files in a folder match the path of this run. */
export async function sayFound(
  folder: string,
  template: PathTemplate,
  fate: 'no file is replaced' | 'it will be replaced',
  log: Logger,
): Promise<void> {
  const files = (await readdir(folder)).filter((name) => !name.startsWith('.') && template.matches(name)).length;
  if (files === 0) return;
  log.info({ folder, files }, `${folder} already has ${files} ${files === 1 ? 'file' : 'files'} matching ${template}; ${fate}`);
}
