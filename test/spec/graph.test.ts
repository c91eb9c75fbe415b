import { expect, it } from 'vitest';
import { toGraphviz, toMermaid } from '../../src/spec/graph.js';
import { specFromObject } from '../../src/spec/load.js';
import { FAKES } from './fake-registries.js';

const spec = specFromObject(
  {
    version: 1,
    name: 'powder',
    sources: { sim: { type: 'sim' } },
    stages: { end: { from: 'sim', workers: 2, overflow: { sample: 3 }, capacity: 8, operators: [{ type: 'rebin' }] } },
    sinks: { out: { type: 'null', from: ['end'], order: 'none' } },
  },
  { registries: FAKES },
);

it('draws every node and labels each edge with policy and capacity, in Graphviz', () => {
  expect(toGraphviz(spec)).toBe(`digraph "powder" {
  rankdir=LR;
  node [shape=box];
  "sim" [shape=cds, label="sim\\nsim"];
  "end" [shape=box, label="end x2\\nrebin"];
  "out" [shape=note, label="out\\nnull"];
  "sim" -> "end" [label="sample 1/3, 8"];
  "end" -> "out" [label="block, 64, any order"];
}
`);
});

it('draws the same in Mermaid, also where a name is a word of Mermaid', () => {
  expect(toMermaid(spec)).toBe(`flowchart LR
  n0(["sim<br/>sim"])
  n1["end x2<br/>rebin"]
  n2[/"out<br/>null"/]
  n0 -->|"sample 1/3, 8"| n1
  n1 -->|"block, 64, any order"| n2
`);
});

it('quotes what an operator module may be called', () => {
  const stage = { ...spec.stages.end!, operators: [{ type: './a"b<c>\\.mjs', params: {} }] };
  const odd = { ...spec, stages: { end: stage } };
  expect(toGraphviz(odd)).toContain('label="end x2\\n./a\\"b<c>\\\\.mjs"');
  expect(toMermaid(odd)).toContain('["end x2<br/>./a&quot;b&lt;c&gt;\\.mjs"]');
});

it('says by what the workers of a stage share its frames', () => {
  const labelOf = (kind: object): string | undefined =>
    /label="(end[^"\\]*)/.exec(toGraphviz({ ...spec, stages: { end: { ...spec.stages.end!, ...kind } } }))?.[1];
  expect(labelOf({ exclusive: true, workers: 1 })).toBe('end x1, exclusive');
  expect(labelOf({ deterministic: true })).toBe('end x2, deterministic by 8');
  expect(labelOf({ key: { kind: 'source' } })).toBe('end x2, by source');
  expect(labelOf({ key: { kind: 'ordinal', block: 16 } })).toBe('end x2, by ordinal/16');
  expect(labelOf({ key: { kind: 'meta', name: 'detector' } })).toBe('end x2, by detector');
});
