import type { ValidateFunction } from 'ajv/dist/2020.js';
import { MillraceError, type Place } from '../errors/errors.js';
import { formatKeyPath } from '../spec/key-path.js';
import { compileSchema, validateWith } from '../spec/schema-issues.js';

type Schema = Readonly<Record<string, unknown>>;

const compiled = new WeakMap<Schema, ValidateFunction>();

/** Checks an object of parameters against its schema (and fills in the schema's defaults). Throws ERR_CONFIG_INVALID. */
export function checkParameters(schema: Schema, params: Readonly<Record<string, unknown>>, path: string, place?: Place): void {
  const issues = validateWith(compile(schema, path, place), params);
  if (issues.length === 0) return;
  const found = issues.map((issue) => {
    const inside = formatKeyPath(issue.path);
    return `${path}${inside === '' || inside.startsWith('[') ? '' : '.'}${inside}: ${issue.message}`;
  });
  throw new MillraceError('ERR_CONFIG_INVALID', found.join('; '), place ? { place } : {});
}

/** The schema comes from an operator module, which may be wrong: the error names it as the fault of the module. */
function compile(schema: Schema, path: string, place?: Place): ValidateFunction {
  try {
    const validate = compiled.get(schema) ?? compileSchema(schema);
    compiled.set(schema, validate);
    return validate;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError('ERR_CONFIG_INVALID', `${path}: the schema of its parameters is malformed: ${reason}`, {
      cause: error,
      ...(place ? { place } : {}),
    });
  }
}
