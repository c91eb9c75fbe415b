import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { MillraceError, type Place } from '../errors/errors.js';

const ajv = new Ajv2020({ allErrors: true, strict: false, useDefaults: true, ownProperties: true });

/** Checks an object of parameters against its schema (and fills in the schema's defaults). Throws ERR_CONFIG_INVALID. */
export function checkParameters(
  schema: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, unknown>>,
  path: string,
  place?: Place,
): void {
  const validate = compile(schema, path, place);
  if (validate(params)) return;
  const found = (validate.errors ?? []).map((error) => {
    const key = error.instancePath.replace(/^\//, '').replaceAll('/', '.');
    const where = key ? `${path}.${key}` : path;
    if (error.keyword !== 'additionalProperties') return `${where}: ${error.message}`;
    const { additionalProperty } = error.params as { additionalProperty: string };
    // What is known can only be told of the outermost map: the properties of nested ones are not at hand here.
    const known = key ? [] : Object.keys((schema.properties ?? {}) as object);
    return `${where}: unknown key '${additionalProperty}'${known.length > 0 ? ` (known: ${known.join(', ')})` : ''}`;
  });
  throw new MillraceError('ERR_CONFIG_INVALID', found.join('; '), place ? { place } : {});
}

/** The schema comes from an operator module, which may be wrong: that is told as its fault, with the place of the operator. */
function compile(schema: Readonly<Record<string, unknown>>, path: string, place?: Place): ValidateFunction {
  try {
    return ajv.compile(schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MillraceError('ERR_CONFIG_INVALID', `${path}: the schema of its parameters is malformed: ${reason}`, {
      cause: error,
      ...(place ? { place } : {}),
    });
  }
}
