import path from 'node:path';
import { asMillraceError, MillraceError } from '../../errors/errors.js';
import { damaged } from './damaged.js';
import { type FileFamily, findLinkedFile, type OpenFile } from './open-file.js';

const MAX_LINKS = 64;

/** An object after all links that lead to it: the file that it is in, and its path there. */
export interface Located {
  readonly file: OpenFile;
  readonly path: string;
  readonly type: 'group' | 'dataset';
}

/** There is no object of this name. */
export class NoSuchObject extends MillraceError {
  constructor(name: string, file: string) {
    super('ERR_CONFIG_INVALID', `there is no dataset ${JSON.stringify(name)} in ${path.basename(file)}`);
  }
}

/**
 * Follows a path part by part, through soft and external links. The library would follow them too, but would not say in
 * which file it ends. Throws NoSuchObject, or ERR_FORMAT that names a linked file which is missing.
 */
export function locate(family: FileFamily, name: string, start: OpenFile = family.root): Located {
  let file = start;
  let done = '';
  let parts = split(name);
  for (let links = 0; parts.length > 0; ) {
    const next = `${done}/${parts[0]!}`;
    let link: ReturnType<typeof file.library.linkAt>;
    try {
      link = file.library.linkAt(next);
    } catch {
      throw new NoSuchObject(name, file.path);
    }
    if (!link) {
      done = next;
      parts = parts.slice(1);
      continue;
    }
    if (++links > MAX_LINKS) throw damaged(`the links at ${name} never end`);
    const rest = parts.slice(1);
    if (link.file !== undefined) {
      const target = findLinkedFile(link.file, file.path);
      try {
        file = family.open(target);
      } catch (error) {
        throw damaged(`the file ${target}, to which ${next} refers: ${asMillraceError(error, 'ERR_FORMAT').message}`, error);
      }
      done = '';
    } else if (link.path.startsWith('/')) done = '';
    parts = [...split(link.path), ...rest];
  }
  const type = done === '' ? 'group' : file.library.typeOf(done);
  if (!type) throw new NoSuchObject(name, file.path);
  return { file, path: done || '/', type };
}

const split = (name: string): string[] => name.split('/').filter((part) => part !== '' && part !== '.');
