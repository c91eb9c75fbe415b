import { EXIT } from '../errors/errors.js';
import { toGraphviz, toMermaid } from '../spec/graph.js';
import { loadPipeline } from '../spec/load.js';
import type { CliContext } from './context.js';

/** `millrace graph FILE`: the pipeline as Graphviz or Mermaid text. */
export async function graph(
  file: string,
  options: { readonly format: 'dot' | 'mermaid'; readonly set?: readonly string[]; readonly json?: boolean },
  { output }: CliContext,
): Promise<number> {
  const spec = await loadPipeline(file, { set: options.set ?? [] });
  const text = options.format === 'mermaid' ? toMermaid(spec) : toGraphviz(spec);
  output.out(options.json ? JSON.stringify({ format: options.format, text }) : text.trimEnd());
  return EXIT.done;
}
