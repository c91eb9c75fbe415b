import { MillraceError } from '../errors/errors.js';

/**
 * Loads a client package at its first use.
 * @throws MillraceError ERR_OPTIONAL_MISSING that names the package and the command that installs it.
 */
export async function loadOptional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (thrown) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    const missing = (thrown as { code?: unknown } | undefined)?.code === 'ERR_MODULE_NOT_FOUND' && text.includes(`'${name}'`);
    const what = missing ? 'is not installed' : `cannot be loaded (${text})`;
    throw new MillraceError(
      'ERR_OPTIONAL_MISSING',
      `the package ${name} ${what}; install it ${missing ? '' : 'again '}with: npm install ${name}`,
      { cause: thrown },
    );
  }
}
