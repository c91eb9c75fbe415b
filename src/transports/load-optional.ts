import { pathToFileURL } from 'node:url';
import { MillraceError } from '../errors/errors.js';
import { requireFromPackage } from '../memory/package-file.js';

/**
 * Loads a client package at its first use. The name is no literal at the import: so bundlers leave the package out.
 * @throws MillraceError ERR_OPTIONAL_MISSING that names the package and the command that installs it.
 */
export async function loadOptional<T>(name: string, load: () => Promise<T> = () => importByName<T>(name)): Promise<T> {
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

/** From a bundle a package may be found only as the package millrace finds it. */
export async function importByName<T>(name: string): Promise<T> {
  try {
    return (await import(/* @vite-ignore */ name)) as T;
  } catch (thrown) {
    let found: string;
    try {
      found = requireFromPackage().resolve(name);
    } catch {
      throw thrown;
    }
    return (await import(/* @vite-ignore */ pathToFileURL(found).href)) as T;
  }
}
