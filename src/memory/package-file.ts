import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../errors/errors.js';
import { VERSION } from './package-version.js';

/** Names the folder of compiled files where none is found by itself. */
export const FOLDER_VARIABLE = 'MILLRACE_DIST';
/** A file that each such folder has. */
const MARK = 'src/ring/ring.wasm';

declare const __filename: string | undefined;
/** Where this code runs: its own file, or that of a bundle. A bundle of CommonJS has no `import.meta.url`. */
const HERE: string = import.meta.url ?? (typeof __filename === 'string' ? pathToFileURL(__filename).href : '');

let folder: URL | undefined;

/**
 * A file among the compiled ones, such as `src/threads/ingress.js` or `src/ring/ring.wasm`. Threads and WebAssembly are loaded
 * from files, and a bundler does not take these along: then they are those of the package in `node_modules`.
 * @throws ERR_CONFIG_FILE where they are not found, or are of another version
 */
export function packageFile(path: string): URL {
  folder ??= findFolder();
  return new URL(path, folder);
}

/** Loads a package of which a bundle can hold no working copy, at once. Bundlers leave it alone. */
export function requireDependency<T>(name: string): T {
  return requireFromPackage()(name) as T;
}

/** Finds packages as the files of this one do. */
export const requireFromPackage = (): NodeJS.Require => createRequire(packageFile('package.json'));

function findFolder(): URL {
  const given = process.env[FOLDER_VARIABLE];
  if (given) {
    const url = pathToFileURL(`${given}/`);
    if (existsSync(new URL(MARK, url))) return sameVersion(url);
    throw missing(`${FOLDER_VARIABLE} is '${given}', and there is no ${MARK} in it`);
  }
  // dist/src/memory/package-file.js -> dist/
  const own = HERE.startsWith('file:') ? new URL('../../', HERE) : undefined;
  if (own && existsSync(new URL(MARK, own))) return own;
  const installed = own && resolveInstalled();
  if (installed) return sameVersion(installed);
  throw missing(`this code runs from ${HERE || 'a bundle'}, and no package millrace is found from there`);
}

function resolveInstalled(): URL | undefined {
  try {
    const url = new URL('dist/', pathToFileURL(createRequire(HERE).resolve('millrace/package.json')));
    return existsSync(new URL(MARK, url)) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** The threads of another version would read the shared memory in another way. */
function sameVersion(url: URL): URL {
  const description = new URL('../package.json', url);
  if (!existsSync(description)) return url; // a copy of the folder alone
  const { version } = JSON.parse(readFileSync(description, 'utf8')) as { version?: string };
  if (version === VERSION) return url;
  throw new MillraceError(
    'ERR_CONFIG_FILE',
    `the program holds millrace ${VERSION}, and ${url.pathname} is of version ${version}: build the program anew, or install ${VERSION}`,
  );
}

function missing(why: string): MillraceError {
  return new MillraceError(
    'ERR_CONFIG_FILE',
    `the files of millrace's threads are not found: ${why}. Install the package where the program runs, or set ${FOLDER_VARIABLE} to its folder 'dist'`,
  );
}
