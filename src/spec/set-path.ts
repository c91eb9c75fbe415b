import { MillraceError } from '../errors/errors.js';
import { isSecretKey, protectSecrets } from '../errors/secrets.js';
import { type KeyPath, parseKeyPath } from './key-path.js';
import { parseDocument } from './yaml.js';

/** One `--set path=value`. */
export interface Override {
  readonly text: string;
  readonly path: KeyPath;
  readonly value: unknown;
}

/** `stages.reduce.operators[1].bins=500`; the value is YAML. Throws ERR_USAGE when it is malformed. */
export function parseOverride(text: string): Override {
  const equals = text.indexOf('=');
  if (equals > 0) protectSecrets(text.slice(equals + 1).trim(), isSecretKey(text.slice(0, equals)));
  const path = equals > 0 ? parseKeyPath(text.slice(0, equals).trim()) : undefined;
  if (!path || path.includes('__proto__')) {
    throw new MillraceError(
      'ERR_USAGE',
      `--set takes path=value, such as stages.reduce.workers=4 or stages.reduce.operators[1].bins=500, not '${text}'`,
    );
  }
  const document = parseDocument(text.slice(equals + 1), { prettyErrors: false });
  const error = document.errors[0];
  if (error) throw new MillraceError('ERR_USAGE', `--set ${text}: the value is not valid YAML: ${error.message}`);
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  // As in a file, the word names the sink.
  const isNullType = value === null && path.at(-1) === 'type' && text.slice(equals + 1).trim() === 'null';
  return { text, path, value: isNullType ? 'null' : value };
}

/** Puts the value where the path leads, making the maps on the way. Throws ERR_USAGE when the path cannot be followed. */
export function applyOverride(root: unknown, { text, path, value }: Override): void {
  const refused = (why: string): MillraceError => new MillraceError('ERR_USAGE', `--set ${text}: ${why}`);
  let at = root;
  for (const [depth, key] of path.entries()) {
    const last = depth === path.length - 1;
    if (Array.isArray(at)) {
      if (typeof key !== 'number') throw refused(`'${String(key)}' is not an index of a list`);
      if (key > at.length || (key === at.length && !last)) throw refused(`[${key}] is beyond the end of a list of ${at.length}`);
      if (last) at[key] = value;
      else at = at[key];
    } else if (typeof at === 'object' && at !== null) {
      if (typeof key === 'number') throw refused(`[${key}] needs a list`);
      const map = at as Record<string, unknown>;
      if (last) map[key] = value;
      else {
        if (!Object.hasOwn(map, key) || map[key] === null) map[key] = {};
        at = map[key];
      }
    } else {
      throw refused(`there is nothing to set '${String(key)}' in`);
    }
  }
}
