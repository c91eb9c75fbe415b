import { readFile } from 'node:fs/promises';
import { parseDocument } from 'yaml';
import { MillraceError } from '../../errors/errors.js';
import type { CliContext } from '../context.js';
import { ask, control, socketOf } from './ctl.js';

type Params = Record<string, unknown>;

interface Stage {
  readonly name: string;
  readonly operators: readonly { readonly type: string; readonly params: Params }[];
}

export interface UpdateOptions {
  readonly file?: string;
  readonly run?: string;
  readonly json?: boolean;
}

/** `millrace ctl update`: `key=value` pairs are merged into the current parameters; a file replaces all of them. */
export async function update(
  stage: string,
  operator: string,
  pairs: readonly string[],
  options: UpdateOptions,
  context: CliContext,
): Promise<number> {
  if (pairs.length > 0 === (options.file !== undefined))
    throw new MillraceError('ERR_USAGE', 'give either one or more key=value pairs, or --file');
  const which = /^\d{1,9}$/.test(operator) ? Number(operator) : operator;
  const path = await socketOf(options.run);
  const params =
    options.file === undefined
      ? { ...(await inForce(path, stage, which, context)), ...Object.fromEntries(pairs.map(parsePair)) }
      : await readParams(options.file);
  return control(path, { do: 'update', stage, operator: which, params }, options, context);
}

async function inForce(path: string, stage: string, operator: string | number, { signal }: CliContext): Promise<Params> {
  const stages = (await ask(path, { do: 'stages' }, signal)).stages as readonly Stage[];
  const found = stages.find(({ name }) => name === stage);
  if (!found) throw new MillraceError('ERR_USAGE', `there is no stage '${stage}'`);
  const fitting = found.operators.filter(({ type }, index) => type === operator || index === operator);
  const [only] = fitting;
  if (only && fitting.length === 1) return only.params;
  const types = found.operators.map(({ type }, index) => `${index} ${type}`).join(', ');
  const many = fitting.length === 0 ? 'no' : `${fitting.length} of type`;
  throw new MillraceError('ERR_USAGE', `stage '${stage}' has ${many} operator '${operator}', but: ${types}`);
}

function parsePair(text: string): [string, unknown] {
  const equals = text.indexOf('=');
  if (equals <= 0) throw new MillraceError('ERR_USAGE', `'${text}' is not of the form key=value`);
  return [text.slice(0, equals).trim(), parseYaml(text.slice(equals + 1), 'ERR_USAGE', text)];
}

async function readParams(file: string): Promise<Params> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new MillraceError('ERR_CONFIG_FILE', `${file} cannot be read`, { cause });
  }
  const params = parseYaml(text, 'ERR_CONFIG_SYNTAX', file);
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw new MillraceError('ERR_CONFIG_INVALID', `${file}: the parameters must be a map`);
  return params as Params;
}

function parseYaml(text: string, code: 'ERR_USAGE' | 'ERR_CONFIG_SYNTAX', where: string): unknown {
  const document = parseDocument(text);
  if (document.errors[0]) throw new MillraceError(code, `${where}: ${document.errors[0].message}`);
  return document.toJS({ maxAliasCount: 100 });
}
