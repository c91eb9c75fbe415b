import { MillraceError } from '../errors/errors.js';
import type { Logger } from '../errors/logger.js';
import { loadPlannedModule, loadPresentModule, type ModuleUse, nameOf } from './load-module.js';
import { type ModuleCode, moduleUrl } from './module-code.js';

/** A definition, and the code that it was loaded from; a built-in has none. */
export interface Loaded<D> {
  readonly definition: D;
  readonly code: ModuleCode | undefined;
}

/** Finds definitions of one kind by the name or module path that a pipeline gives. */
export interface ModuleLoader<D> {
  /** In the main thread, for the plan. @throws ERR_CONFIG_FILE or ERR_CONFIG_INVALID */
  load(type: string, baseDir: string): Promise<Loaded<D>>;
  /** In another thread: the code of the plan; without code, the built-in. @throws as `load` */
  loadPlanned(type: string, code: ModuleCode | undefined, log: Logger): Promise<D>;
}

/**
 * @param known the built-in definitions, by name
 * @param definitionOf checks the default export of a module. @throws ERR_CONFIG_INVALID
 */
export function moduleLoader<D>(
  kind: ModuleUse['kind'],
  known: ReadonlyMap<string, D>,
  definitionOf: (exported: unknown, type: string) => D,
): ModuleLoader<D> {
  const builtIn = (type: string): D => {
    const definition = known.get(type);
    if (definition !== undefined) return definition;
    throw new MillraceError('ERR_CONFIG_INVALID', `there is no ${kind} '${type}'`);
  };
  return {
    async load(type, baseDir) {
      const url = moduleUrl(type, baseDir);
      if (url === undefined) return { definition: builtIn(type), code: undefined };
      const { exports, code } = await loadPresentModule(url, { kind, type });
      return { definition: definitionOf(exports.default, type), code };
    },
    async loadPlanned(type, code, log) {
      if (code === undefined) return builtIn(type);
      const { default: exported } = await loadPlannedModule(code, { kind, type }, log);
      return definitionOf(exported, type);
    },
  };
}

/** Refuses the default export of a module. */
export function refuseExport(use: ModuleUse, why: string): never {
  throw new MillraceError('ERR_CONFIG_INVALID', `the default export of ${nameOf(use)} ${why}`);
}

/** What every definition with a schema has. `reserved`: options that the pipeline itself gives to each node of the kind. */
export function checkDefinition(
  use: ModuleUse,
  definition: { readonly description?: unknown; readonly options?: unknown },
  reserved: readonly string[],
): void {
  if (typeof definition.description !== 'string') refuseExport(use, 'needs `description`, a text');
  const { options } = definition;
  if (!isObject(options)) refuseExport(use, 'needs `options`, a JSON Schema');
  const own = isObject(options.properties) ? Object.keys(options.properties) : [];
  const taken = own.filter((name) => name === 'type' || reserved.includes(name));
  if (taken.length > 0)
    refuseExport(use, `cannot have an option named ${taken.map((name) => `'${name}'`).join(' or ')}: each ${use.kind} has it already`);
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The methods that are missing in what a definition made. */
export function missingMethods(made: unknown, methods: readonly string[]): string[] {
  return methods.filter((name) => typeof (made as Record<string, unknown> | null | undefined)?.[name] !== 'function');
}

/** The members of a user's object that have these names; its functions keep it as their `this`. */
export function bound<T extends object, K extends keyof T>(target: T, names: readonly K[]): Pick<T, K> {
  const members = names.flatMap((name) => {
    const member: unknown = target[name];
    if (member === undefined) return [];
    return [[name, typeof member === 'function' ? (member.bind(target) as unknown) : member]];
  });
  return Object.fromEntries(members) as Pick<T, K>;
}
