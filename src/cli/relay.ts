import { relaySpec } from '../spec/relay-url.js';
import type { CliContext } from './context.js';
import { type RunOptions, runSpec } from './run.js';

/** `millrace relay SOURCE [SINK] --through OPERATOR`. */
export async function relay(
  source: string,
  sink: string | undefined,
  options: RunOptions & { readonly through?: readonly string[] },
  context: CliContext,
): Promise<number> {
  return runSpec(relaySpec(source, sink, options.through ?? []), options, context);
}
