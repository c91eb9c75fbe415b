import * as nodeModule from 'node:module';
import { MillraceError } from '../errors/errors.js';
import { type ModuleCode, pathOf } from './module-code.js';

interface LoadContext {
  readonly format?: string | null;
}
interface Loaded {
  readonly format?: string | null;
  readonly source?: unknown;
  readonly shortCircuit?: boolean;
}
/** Of Node 22.15 and later; the types are those of the oldest version that is supported. */
type RegisterHooks = (hooks: {
  load(url: string, context: LoadContext, next: (url: string, context: LoadContext) => Loaded): Loaded;
}) => void;

/** The same as a module of its own, for versions of Node whose hooks live in a thread of theirs. */
const HOOKS = `
let sources = new Map();
export function initialize(entries) { sources = new Map(entries); }
export async function load(url, context, next) {
  const source = sources.get(url);
  if (source === undefined) return next(url, context);
  if (context.format === 'commonjs') throw new Error(url + ' is CommonJS, of which the old code cannot be loaded');
  return { format: context.format ?? (url.endsWith('.json') ? 'json' : 'module'), source, shortCircuit: true };
}`;

/**
 * From now on this thread loads the files of a module with the text that they had at the plan. Only a worker that takes
 * another's place after an edit needs it; the rest of the program loads its modules as ever.
 * @throws ERR_CONFIG_FILE where that cannot be
 */
export function loadKeptSources({ files }: ModuleCode, changed: readonly string[], name: string): void {
  const refuse = (why: string): never => {
    const text = `${name}: ${changed.join(', ')} changed since the run began, and the code of its beginning cannot be loaded: ${why}. Restore the file, or start the run again`;
    throw new MillraceError('ERR_CONFIG_FILE', text);
  };
  const data = files.find(({ url, source }) => source === undefined && changed.includes(pathOf(url)));
  if (data) refuse(`${pathOf(data.url)} is not JavaScript, which alone is kept`);
  if ('Bun' in globalThis || 'Deno' in globalThis) refuse('only Node can do so');
  const sources = new Map(files.flatMap(({ url, source }) => (source === undefined ? [] : [[url, source] as const])));
  const { registerHooks } = nodeModule as unknown as { registerHooks?: RegisterHooks };
  if (!registerHooks) {
    nodeModule.register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, { data: [...sources] });
    return;
  }
  registerHooks({
    load(url, context, next) {
      const source = sources.get(url);
      if (source === undefined) return next(url, context);
      if (context.format === 'commonjs') throw new Error(`${url} is CommonJS, of which the old code cannot be loaded`);
      return { format: context.format ?? (url.endsWith('.json') ? 'json' : 'module'), source, shortCircuit: true };
    },
  });
}
