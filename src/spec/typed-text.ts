import { parse } from './yaml.js';

type Schema = Readonly<Record<string, unknown>>;

/**
 * A text from a command line or a query as the value that the schema of its key asks for: `100` as a number, `1` as true,
 * `64x64` or `1,2` as a list. What does not fit stays a text, which the schema then refuses by name.
 */
export function typedText(text: string, schema: Schema): unknown {
  const branches = [schema, ...lists(schema.anyOf), ...lists(schema.oneOf)];
  const types = new Set(branches.flatMap((branch) => typesOf(branch)));
  if (types.size === 0) return scalar(text);
  if (types.has('boolean') && /^(true|false)$/.test(text)) return text === 'true';
  if ((types.has('number') || types.has('integer')) && isNumber(text)) return Number(text);
  if (types.has('boolean') && /^[01]$/.test(text)) return text === '1';
  const list = branches.find((branch) => typesOf(branch).includes('array'));
  if (list && (!types.has('string') || text.includes(','))) {
    const items = (list.items ?? (list.prefixItems as Schema[] | undefined)?.[0] ?? {}) as Schema;
    // An `x` separates numbers only: 2048x2048.
    const separator = /^[-+.\deE]+(x[-+.\deE]+)+$/.test(text) ? 'x' : ',';
    return text.split(separator).map((item) => typedText(item.trim(), items));
  }
  if (types.has('object') && !types.has('string') && text.startsWith('{')) return structured(text);
  return text;
}

function typesOf(schema: Schema): string[] {
  if (schema.type !== undefined) return [schema.type].flat().map(String);
  const values = Array.isArray(schema.enum) ? schema.enum : 'const' in schema ? [schema.const] : [];
  return values.map((value) => (Array.isArray(value) ? 'array' : typeof value));
}

function lists(value: unknown): Schema[] {
  return Array.isArray(value) ? (value as Schema[]) : [];
}

function isNumber(text: string): boolean {
  return /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text);
}

/** Without a schema: what YAML makes of it, if that is a scalar. */
function scalar(text: string): unknown {
  return isNumber(text) ? Number(text) : text === 'true' ? true : text === 'false' ? false : text;
}

function structured(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return text;
  }
}
