import type { EdgeSpec, PipelineSpec, StageSpec } from './spec.js';

/** A pipeline as Graphviz text. The same spec always gives the same text. */
export function toGraphviz(spec: PipelineSpec): string {
  const lines = [`digraph ${quoteDot(spec.name)} {`, '  rankdir=LR;', '  node [shape=box];'];
  for (const { name, kind, text } of nodes(spec)) {
    const shape = { source: 'cds', stage: 'box', sink: 'note' }[kind];
    lines.push(`  ${quoteDot(name)} [shape=${shape}, label=${quoteDot(text.join('\n'))}];`);
  }
  for (const { from, to, label } of edges(spec)) lines.push(`  ${quoteDot(from)} -> ${quoteDot(to)} [label=${quoteDot(label)}];`);
  lines.push('}', '');
  return lines.join('\n');
}

/** A pipeline as a Mermaid flow chart. The same spec always gives the same text. */
export function toMermaid(spec: PipelineSpec): string {
  const all = nodes(spec);
  // Names may be words of Mermaid itself, such as `end`: the nodes are known by numbers.
  const ids = new Map(all.map(({ name }, index) => [name, `n${index}`]));
  const lines = ['flowchart LR'];
  for (const { name, kind, text } of all) {
    const [open, close] = { source: ['([', '])'], stage: ['[', ']'], sink: ['[/', '/]'] }[kind];
    lines.push(`  ${ids.get(name)}${open}${quoteMermaid(text.join('\n'))}${close}`);
  }
  for (const { from, to, label } of edges(spec)) lines.push(`  ${ids.get(from)} -->|${quoteMermaid(label)}| ${ids.get(to)}`);
  lines.push('');
  return lines.join('\n');
}

interface GraphNode {
  readonly name: string;
  readonly kind: 'source' | 'stage' | 'sink';
  readonly text: readonly string[];
}

function nodes(spec: PipelineSpec): GraphNode[] {
  return [
    ...Object.entries(spec.sources).map(([name, { type }]) => ({ name, kind: 'source' as const, text: [name, type] })),
    ...Object.entries(spec.stages).map(([name, stage]) => ({
      name,
      kind: 'stage' as const,
      text: [`${name} x${stage.workers}${kindOf(stage)}`, ...stage.operators.map(({ type }) => type)],
    })),
    ...Object.entries(spec.sinks).map(([name, { type }]) => ({ name, kind: 'sink' as const, text: [name, type] })),
  ];
}

function edges(spec: PipelineSpec): { from: string; to: string; label: string }[] {
  return [...Object.entries(spec.stages), ...Object.entries(spec.sinks)].flatMap(([to, edge]) =>
    edge.from.map((from) => ({ from, to, label: edgeLabel(edge) })),
  );
}

function kindOf({ exclusive, deterministic, shards, key }: StageSpec): string {
  if (exclusive) return ', exclusive';
  if (deterministic) return `, deterministic by ${shards}`;
  if (!key) return '';
  return `, by ${key.kind === 'source' ? 'source' : key.kind === 'ordinal' ? `ordinal/${key.block}` : key.name}`;
}

function edgeLabel({ overflow, capacity, order }: EdgeSpec): string {
  const policy = overflow.kind === 'sample' ? `sample 1/${overflow.n}` : overflow.kind;
  return `${policy}, ${capacity}${order === 'none' ? ', any order' : ''}`;
}

function quoteDot(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function quoteMermaid(text: string): string {
  const escaped = text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('#', '&num;');
  return `"${escaped.replaceAll('\n', '<br/>')}"`;
}
