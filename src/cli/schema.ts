import { EXIT } from '../errors/errors.js';
import { BUILTIN } from '../spec/builtin-registries.js';
import { pipelineSchema } from '../spec/schema.js';
import type { CliContext } from './context.js';

/** `millrace schema`: the JSON Schema of a pipeline file. */
export async function schema({ output }: CliContext): Promise<number> {
  output.out(JSON.stringify(pipelineSchema(BUILTIN), undefined, 2));
  return EXIT.done;
}
