import { code, sentence, table } from './markdown.mjs';

const UNITS = [
  [/Ms$/, 'ms'],
  [/Us$/, 'µs'],
  [/Bytes$|^bytes$/, 'bytes'],
  [/^seconds$/, 's'],
];

/** A table of the properties of an object schema, those of inner objects too, as `outer.inner`. */
export function optionsTable({ properties = {}, required = [] }, { heading = 'option', skip = [] } = {}) {
  const rows = [];
  addRows(rows, '', properties, required, skip);
  return rows.length === 0 ? '' : table([heading, 'type', 'default', 'unit', 'allowed values', 'description'], rows);
}

function addRows(rows, prefix, properties, required, skip) {
  for (const [key, schema] of Object.entries(properties)) {
    if (skip.includes(key)) continue;
    const name = `${prefix}${key}`;
    rows.push([
      code(name),
      typeText(schema),
      required.includes(key) ? 'required' : defaultText(schema),
      unitOf(key, schema),
      valuesText(schema),
      sentence(schema.description),
    ]);
    const inner = innerObject(schema);
    if (inner) addRows(rows, `${name}.`, inner.properties, inner.required ?? [], []);
    const named = schema.additionalProperties;
    if (named?.properties) addRows(rows, `${name}.NAME.`, named.properties, named.required ?? [], []);
  }
}

/** The properties of an option that is an object, or may be one. */
function innerObject(schema) {
  if (schema.properties) return schema;
  return branchesOf(schema)?.find((branch) => branch.properties && !branch.title);
}

const branchesOf = (schema) => schema.anyOf ?? schema.oneOf;
const unique = (items) => [...new Set(items)].filter(Boolean);

export function typeText(schema) {
  const branches = branchesOf(schema);
  if (branches && !schema.properties) return unique(branches.map(typeText)).join(' or ');
  if ('const' in schema) return typeof schema.const;
  if (schema.enum) return unique(schema.enum.map((value) => typeof value)).join(' or ');
  if (schema.type === 'array') return schema.items && typeText(schema.items) ? `list of ${plural(typeText(schema.items))}` : 'list';
  if (schema.type === 'object') return 'map';
  return [schema.type ?? ''].flat().join(' or ');
}

const plural = (type) => type.replace(/^(integer|number|string|map|boolean)$/, '$1s');

function defaultText(schema) {
  return 'default' in schema ? code(yaml(schema.default)) : '';
}

/** A value as the flow style of YAML writes it. */
function yaml(value) {
  if (Array.isArray(value)) return `[${value.map(yaml).join(', ')}]`;
  if (value && typeof value === 'object')
    return `{${Object.entries(value)
      .map(([key, one]) => ` ${key}: ${yaml(one)}`)
      .join(',')} }`;
  if (typeof value === 'string' && /[{}[\]:#,]/.test(value)) return JSON.stringify(value);
  return String(value);
}

function unitOf(key, schema) {
  return schema.unit ?? UNITS.find(([pattern]) => pattern.test(key))?.[1] ?? '';
}

export function valuesText(schema) {
  const branches = branchesOf(schema);
  if (branches && !schema.properties) {
    const texts = branches.map((branch) => titleOf(branch) ?? valuesText(branch));
    if (!texts.some(Boolean)) return '';
    return unique(texts.map((text, index) => text || aValue(branches[index]))).join(', or ');
  }
  if ('const' in schema) return code(yaml(schema.const));
  if (schema.enum) return schema.enum.map((value) => code(yaml(value))).join(', ');
  if (schema.type === 'array') return unique([itemCount(schema), valuesText(schema.items ?? {})]).join(', each ');
  return rangeText(schema);
}

/** The words for a branch: what is code in a title stays code. */
function titleOf({ title, enum: values }) {
  if (title === undefined || values) return undefined;
  return /^[{\w-]+[\w:, }-]*$/.test(title) && !/^(a|one|the) /.test(title) ? code(title) : title;
}

const aValue = (schema) => (typeText(schema).startsWith('list') || schema.properties ? '' : `a ${typeText(schema)}`);

function itemCount({ minItems, maxItems }) {
  if (minItems === undefined && maxItems === undefined) return '';
  if (minItems === maxItems) return `${minItems} items`;
  if (maxItems === undefined) return minItems === 1 ? '' : `${minItems} items or more`;
  return `${minItems ?? 0} to ${maxItems} items`;
}

function rangeText({ minimum, maximum, exclusiveMinimum, minLength, maxLength }) {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${minimum} or more`;
  if (maximum !== undefined) return `${maximum} or less`;
  if (exclusiveMinimum !== undefined) return `above ${exclusiveMinimum}`;
  if (minLength !== undefined && minLength === maxLength) return `${minLength} characters`;
  if (maxLength !== undefined) return `at most ${maxLength} characters`;
  return '';
}
