import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { redact } from '../errors/secrets.js';
import type { KeyPath } from './key-path.js';
import type { Registries } from './registries.js';
import { type NodeKind, pipelineSchema } from './schema.js';
import { suggest } from './suggest.js';

/** One thing that the schema refuses, at a key (unknown, missing below) or at a value. */
export interface SchemaIssue {
  readonly message: string;
  readonly path: KeyPath;
  readonly at: 'key' | 'value';
}

/** By the types that a pipeline names. */
const compiled = new WeakMap<Registries, Map<string, ValidateFunction>>();

/** Checks plain data against the schema of a pipeline, and fills in the defaults that the schemas of options state. */
export function checkSchema(value: unknown, registries: Registries): SchemaIssue[] {
  const used = typesIn(value, registries);
  const key = [...used].sort().join(' ');
  const known = compiled.get(registries) ?? new Map<string, ValidateFunction>();
  compiled.set(registries, known);
  let validate = known.get(key);
  if (!validate) {
    // What the registries hold is right: checking it against the schema of schemas would take longer than all else.
    validate = compileSchema(
      pipelineSchema(registries, (kind, type) => used.has(`${kind} ${type}`)),
      false,
    );
    known.set(key, validate);
  }
  return validateWith(validate, value);
}

/** Each registered type that a pipeline names, as `kind type`. */
function typesIn(value: unknown, { sources, sinks, operators }: Registries): Set<string> {
  const used = new Set<string>();
  const note = (kind: NodeKind, known: ReadonlyMap<string, unknown>, node: unknown): void => {
    const { type } = (node ?? {}) as { type?: unknown };
    if (typeof type === 'string' && known.has(type)) used.add(`${kind} ${type}`);
  };
  const pipeline = (value ?? {}) as Readonly<Record<'sources' | 'stages' | 'sinks', unknown>>;
  for (const node of Object.values(pipeline.sources ?? {})) note('source', sources, node);
  for (const node of Object.values(pipeline.sinks ?? {})) note('sink', sinks, node);
  for (const stage of Object.values(pipeline.stages ?? {})) {
    const chain: unknown = (stage as { operators?: unknown } | null)?.operators;
    if (Array.isArray(chain)) for (const operator of chain) note('operator', operators, operator);
  }
  return used;
}

/** For schemas of options too: lists every error, and fills in defaults. */
export function compileSchema(schema: Readonly<Record<string, unknown>>, validateSchema = true): ValidateFunction {
  // Not strict: keywords that only describe are welcome in the schema of an operator.
  return new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: false,
    useDefaults: true,
    ownProperties: true,
    validateFormats: false,
    validateSchema,
  }).compile(schema);
}

/** Runs a compiled schema; each error as one sentence. */
export function validateWith(validate: ValidateFunction, value: unknown): SchemaIssue[] {
  if (validate(value)) return [];
  const seen = new Set<string>();
  return collapse(validate.errors ?? []).flatMap((error) => {
    const issue = describe(error, value);
    const key = JSON.stringify(issue);
    if (!issue || seen.has(key)) return [];
    seen.add(key);
    return [issue];
  });
}

/**
 * Of the errors below an `anyOf` or `oneOf`, keeps those of the branch that was meant (the value has its type), or only
 * that of the choice itself.
 */
function collapse(errors: readonly ErrorObject[]): ErrorObject[] {
  const dropped = new Set<ErrorObject>();
  for (const choice of errors) {
    if (choice.keyword !== 'anyOf' && choice.keyword !== 'oneOf') continue;
    const below = errors.filter((error) => error.schemaPath.startsWith(`${choice.schemaPath}/`) && isBelow(error, choice));
    const meant = new Set<string>();
    const branches = new Map<string, ErrorObject[]>();
    for (const error of below) {
      const branch = error.schemaPath.slice(choice.schemaPath.length + 1).split('/')[0]!;
      branches.set(branch, [...(branches.get(branch) ?? []), error]);
    }
    for (const [branch, list] of branches) {
      const mismatch = list.some(
        (error) => error.instancePath === choice.instancePath && ['type', 'enum', 'const', 'pattern', 'required'].includes(error.keyword),
      );
      if (!mismatch) meant.add(branch);
    }
    const only = meant.size === 1 ? [...meant][0] : undefined;
    for (const [branch, list] of branches) if (branch !== only) for (const error of list) dropped.add(error);
    if (only !== undefined) dropped.add(choice);
  }
  return errors.filter((error) => !dropped.has(error) && error.keyword !== 'if');
}

function isBelow(error: ErrorObject, choice: ErrorObject): boolean {
  return error.instancePath === choice.instancePath || error.instancePath.startsWith(`${choice.instancePath}/`);
}

function describe(error: ErrorObject, root: unknown): SchemaIssue | undefined {
  const path = keyPathOf(error.instancePath, root);
  const params = error.params as Record<string, unknown>;
  const schema = (error.parentSchema ?? {}) as Record<string, unknown>;
  const name = path.length === 0 ? 'the pipeline' : `'${String(path.at(-1))}'`;
  const subject = typeof path.at(-1) === 'number' ? 'this' : name;
  const at = (message: string, what: 'key' | 'value' = 'value', below?: string): SchemaIssue => ({
    message,
    path: below === undefined ? path : [...path, below],
    at: what,
  });
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty);
      const known = Object.keys((schema.properties ?? {}) as object);
      return at(`unknown key '${key}'${suggest(key, known) || listed(known, ' (known: ', ')')}`, 'key', key);
    }
    case 'required':
      return at(`${subject} needs the key '${String(params.missingProperty)}'`, 'key');
    case 'propertyNames':
      return at(
        `'${String(params.propertyName)}' cannot be a name: a letter, then up to 63 letters, digits, _ or -`,
        'key',
        String(params.propertyName),
      );
    case 'dependentRequired':
      return at(`'${String(params.property)}' needs the key '${String(params.missingProperty)}' beside it`, 'key');
    case 'enum': {
      const allowed = (params.allowedValues as unknown[]).map(String);
      const given = error.data;
      return at(`${subject} must be ${orList(allowed)}, not ${show(given)}${typeof given === 'string' ? suggest(given, allowed) : ''}`);
    }
    case 'const':
      return at(`${subject} must be ${show(params.allowedValue)}, not ${show(error.data)}`);
    case 'type':
      return at(
        `${subject} must be ${orList([params.type].flat().map((type) => TYPE_NAMES[String(type)] ?? String(type)))}, not ${show(error.data)}`,
      );
    case 'minimum':
      return at(`${subject} must be at least ${String(params.limit)}, not ${show(error.data)}`);
    case 'maximum':
      return at(`${subject} must be at most ${String(params.limit)}, not ${show(error.data)}`);
    case 'exclusiveMinimum':
      return at(`${subject} must be above ${String(params.limit)}, not ${show(error.data)}`);
    case 'exclusiveMaximum':
      return at(`${subject} must be below ${String(params.limit)}, not ${show(error.data)}`);
    case 'minProperties':
      return at(`${subject} needs at least ${String(params.limit)} ${params.limit === 1 ? 'entry' : 'entries'}`, 'key');
    case 'minItems':
      return at(`${subject} needs at least ${String(params.limit)} ${params.limit === 1 ? 'item' : 'items'}`);
    case 'maxItems':
      return at(`${subject} takes at most ${String(params.limit)} ${params.limit === 1 ? 'item' : 'items'}`);
    case 'minLength':
      return at(`${subject} must not be empty`);
    case 'uniqueItems':
      return at(`${subject} names the same twice`);
    case 'pattern':
      // `propertyNames` reports invalid keys.
      return error.propertyName === undefined
        ? at(`${subject} has a form that is not allowed: ${show(error.data)} (pattern ${String(params.pattern)})`)
        : undefined;
    case 'anyOf':
    case 'oneOf':
      return describeChoice(error, subject, at);
    default:
      return at(`${subject} ${error.message ?? 'is wrong'}`);
  }
}

function describeChoice(error: ErrorObject, subject: string, at: (message: string, what?: 'key' | 'value') => SchemaIssue): SchemaIssue {
  const branches = error.schema as Record<string, unknown>[];
  const required = branches.map((branch) => branch.required as string[] | undefined);
  const passing = (error.params as { passingSchemas?: number[] | null }).passingSchemas;
  if (required.every((keys) => keys !== undefined)) {
    const keys = required.map((list) => list!.map((key) => `'${key}'`).join(' with '));
    return at(`${subject} ${passing ? 'takes only one' : 'needs one'} of the keys ${orList(keys)}`, 'key');
  }
  const known = branches.flatMap((branch) => (Array.isArray(branch.enum) ? branch.enum.map(String) : []));
  const forms = branches.map((branch) => String(branch.title ?? branchForm(branch)));
  const hint = typeof error.data === 'string' ? suggest(error.data, known) : '';
  return at(`${subject} must be ${orList(forms)}, not ${show(error.data)}${hint}`);
}

function branchForm(branch: Record<string, unknown>): string {
  if (Array.isArray(branch.enum)) return orList(branch.enum.map(String));
  if ('const' in branch) return show(branch.const);
  if (branch.type !== undefined) return orList([branch.type].flat().map((type) => TYPE_NAMES[String(type)] ?? String(type)));
  return String(branch.description ?? 'another form');
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  null: 'empty',
};

function orList(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? 'nothing';
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function listed(words: readonly string[], before: string, after: string): string {
  return words.length === 0 ? '' : `${before}${words.join(', ')}${after}`;
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${shorten(value)}'`;
  if (value === null || value === undefined) return 'empty';
  return shorten(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** A secret that is cut could not be recognised any more. */
function shorten(text: string): string {
  const safe = redact(text);
  return safe.length > 80 ? `${safe.slice(0, 77)}...` : safe;
}

/** A JSON pointer says `1` for the second item as for the key "1"; the data says which it is. */
function keyPathOf(pointer: string, root: unknown): KeyPath {
  const path: (string | number)[] = [];
  let at = root;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(at) ? Number(key) : key);
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  }
  return path;
}
