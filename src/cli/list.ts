import { EXIT } from '../errors/errors.js';
import { BUILTIN } from '../spec/builtin-registries.js';
import type { Registries } from '../spec/registries.js';
import { pipelineSchema } from '../spec/schema.js';
import type { CliContext } from './context.js';

export const LISTS = ['sources', 'operators', 'sinks', 'codecs'] as const;
export type ListName = (typeof LISTS)[number];

type Schema = Readonly<Record<string, unknown>>;

interface Entry {
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
  /** Forms of its address in `relay`. */
  readonly addresses: readonly string[];
}

/** `millrace list [sources|operators|sinks|codecs]`: the types that a pipeline can use, with their options. */
export async function list(
  what: ListName | undefined,
  options: { readonly json?: boolean },
  { output }: CliContext,
  registries: Registries = BUILTIN,
): Promise<number> {
  const lists = Object.fromEntries((what ? [what] : LISTS).map((name) => [name, entries(name, registries)])) as Partial<
    Record<ListName, Entry[]>
  >;
  if (options.json) {
    output.out(JSON.stringify(lists, undefined, 2));
    return EXIT.done;
  }
  for (const [name, members] of Object.entries(lists)) {
    output.out(`${name}:`);
    const shared = sharedKeys(members);
    for (const { type, description, options: own, required, addresses } of members) {
      output.out(`  ${type}${description ? `: ${description}` : ''}`);
      if (addresses.length > 0) output.out(`      relay: ${addresses.join(', ')}`);
      for (const [key, schema] of Object.entries(own)) if (!shared.has(key)) output.out(optionLine(key, schema, required));
    }
    const [first] = members;
    if (!first || shared.size === 0) continue;
    output.out(`  all ${name}:`);
    for (const key of shared) output.out(optionLine(key, first.options[key]!, first.required));
  }
  if (what !== 'codecs') output.out('(* required)');
  return EXIT.done;
}

/** Keys that all members share with the same schema: printed once. */
function sharedKeys(members: readonly Entry[]): Set<string> {
  const [first, ...others] = members;
  if (!first || others.length === 0) return new Set();
  const text = (schema: Schema | undefined): string => JSON.stringify(schema ?? null);
  const keys = Object.keys(first.options).filter((key) => others.every(({ options }) => text(options[key]) === text(first.options[key])));
  return new Set(keys);
}

function optionLine(key: string, schema: Schema, required: readonly string[]): string {
  const preset = schema.default === undefined ? '' : `, default ${JSON.stringify(schema.default)}`;
  const about = schema.description === undefined ? '' : `: ${String(schema.description)}`;
  return `      ${key}${required.includes(key) ? '*' : ''} (${form(schema)}${preset})${about}`;
}

function entries(name: ListName, registries: Registries): Entry[] {
  if (name === 'codecs')
    return [...registries.codecs.values()].map(({ name: type, description = '' }) => ({
      type,
      description,
      options: {},
      required: [],
      addresses: [],
    }));
  const kind = name.slice(0, -1);
  const defs = pipelineSchema(registries).$defs as Record<string, Schema>;
  return [...registries[name].values()].map((definition) => {
    const { type, description } = definition;
    const { properties = {}, required = [] } = defs[`${kind}-${type}`] as { properties?: Record<string, Schema>; required?: string[] };
    const { type: _, ...own } = properties;
    const addresses = 'address' in definition && definition.address ? definition.address.forms : [];
    return { type, description, options: own, required, addresses };
  });
}

function form(schema: Schema): string {
  if (Array.isArray(schema.enum)) return schema.enum.join(' | ');
  const branches = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (branches) return branches.map((branch) => String(branch.title ?? form(branch))).join(' | ');
  if (schema.type === 'array') return `list of ${form((schema.items ?? {}) as Schema)}`;
  return schema.type === undefined ? 'any' : [schema.type].flat().join(' | ');
}
