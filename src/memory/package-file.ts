import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../errors/errors.js';
import { VERSION } from './package-version.js';

/** Names the folder of compiled files when the search finds none. */
export const FOLDER_VARIABLE = 'MILLRACE_DIST';
/** A file that each such folder contains. */
const MARK = 'src/ring/ring.wasm';

declare const __filename: string | undefined;
/** The location of this code: its own file, or that of a bundle. A bundle of CommonJS has no `import.meta.url`. */
const HERE: string = import.meta.url ?? (typeof __filename === 'string' ? pathToFileURL(__filename).href : '');

let folder: URL | undefined;

/**
 * A compiled file, such as `src/threads/ingress.js` or `src/ring/ring.wasm`. Threads and WebAssembly are loaded from
 * files, which a bundler does not include: then the files of the package in `node_modules` are used.
 * @throws ERR_CONFIG_FILE when they are not found, or belong to another version
 */
export function packageFile(path: string): URL {
  folder ??= findFolder();
  return new URL(path, folder);
}

/** Loads a package that does not work inside a bundle, synchronously. Bundlers do not include it. */
export function requireDependency<T>(name: string): T {
  return requireFromPackage()(name) as T;
}

/** Finds packages as the files of this package do. */
export const requireFromPackage = (): NodeJS.Require => createRequire(packageFile('package.json'));

function findFolder(): URL {
  const given = process.env[FOLDER_VARIABLE];
  if (given) {
    const url = pathToFileURL(`${given}/`);
    if (existsSync(new URL(MARK, url))) return sameVersion(url);
    throw missing(`${FOLDER_VARIABLE} is '${given}', which does not contain ${MARK}`);
  }
  // dist/src/memory/package-file.js -> dist/
  const own = HERE.startsWith('file:') ? new URL('../../', HERE) : undefined;
  if (own && existsSync(new URL(MARK, own))) return own;
  const installed = own && resolveInstalled();
  if (installed) return sameVersion(installed);
  throw missing(`this code runs from ${HERE || 'a bundle'}, and the package millrace is not found from there`);
}

function resolveInstalled(): URL | undefined {
  try {
    const url = new URL('dist/', pathToFileURL(createRequire(HERE).resolve('millrace/package.json')));
    return existsSync(new URL(MARK, url)) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** The threads of another version would interpret the shared memory differently. */
function sameVersion(url: URL): URL {
  const description = new URL('../package.json', url);
  if (!existsSync(description)) return url; // A copy of the folder alone.
  const { version } = JSON.parse(readFileSync(description, 'utf8')) as { version?: string };
  if (version === VERSION) return url;
  throw new MillraceError(
    'ERR_CONFIG_FILE',
    `the program contains millrace ${VERSION}, but ${url.pathname} has version ${version}: rebuild the program, or install ${VERSION}`,
  );
}

function missing(why: string): MillraceError {
  return new MillraceError(
    'ERR_CONFIG_FILE',
    `cannot find the files of millrace's threads: ${why}. Install the package where the program runs, or set ${FOLDER_VARIABLE} to its folder 'dist'`,
  );
}
