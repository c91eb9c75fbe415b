import { Ajv2020 } from 'ajv/dist/2020.js';
import { MillraceError, type Place } from '../errors/errors.js';

const ajv = new Ajv2020({ allErrors: true, strict: false, useDefaults: true });

/** Checks an object of parameters against its schema (and fills in the schema's defaults). Throws ERR_CONFIG_INVALID. */
export function checkParameters(
  schema: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, unknown>>,
  path: string,
  place?: Place,
): void {
  const validate = ajv.compile(schema);
  if (validate(params)) return;
  const found = (validate.errors ?? []).map((error) => {
    const key = error.instancePath.replace(/^\//, '').replaceAll('/', '.');
    const extra =
      error.keyword === 'additionalProperties' ? ` '${(error.params as { additionalProperty: string }).additionalProperty}'` : '';
    return `${key ? `${path}.${key}` : path}: ${error.message}${extra}`;
  });
  throw new MillraceError('ERR_CONFIG_INVALID', found.join('; '), place ? { place } : {});
}
