import { code, fence, page, sentence, table } from './markdown.mjs';
import { optionsTable } from './options-table.mjs';

/** The keys of a pipeline file, from its schema. */
export function pipelinePage(schema, registries) {
  const { sources, stages, sinks, ...top } = schema.properties;
  const { stage } = schema.$defs;
  const aSink = schema.$defs[`sink-${[...registries.sinks.keys()][0]}`];
  const edge = ['from', 'overflow', 'capacity', 'order', 'window'];
  const pick = (node, keys) => ({
    properties: Object.fromEntries(keys.map((key) => [key, node.properties[key]])),
    required: node.required,
  });
  const { operators: _, ...ownOfStage } = Object.fromEntries(Object.entries(stage.properties).filter(([key]) => !edge.includes(key)));
  return page(
    '# Keys of a pipeline file',
    'A pipeline file is YAML with the keys below. [The pipeline file](pipeline.md) explains how they work together.',
    fence(
      'yaml',
      `version: 1
sources:
  detector: { type: sim, shape: [64, 64], frames: 100 }
stages:
  reduce:
    from: detector
    operators:
      - { type: rebin, factor: 4 }
sinks:
  result: { type: print, from: reduce }`,
    ),
    '## Top level',
    optionsTable(
      { properties: { version: top.version, name: top.name, sources, stages, sinks, ...top }, required: schema.required },
      { heading: 'key' },
    ),
    '## Edge',
    'An edge leads into a stage or a sink. Its keys are keys of that stage or sink.',
    optionsTable(pick(stage, edge), { heading: 'key' }),
    '## Stage',
    'A stage has the keys of its edge, and these:',
    optionsTable({ properties: { ...ownOfStage, operators: stage.properties.operators }, required: stage.required }, { heading: 'key' }),
    '## Source',
    `Every source has these keys. Each type has options of its own.`,
    optionsTable(
      {
        properties: { type: { ...TYPE, description: 'type of the source' }, ...commonOf(schema, 'source', registries.sources) },
        required: ['type'],
      },
      { heading: 'key' },
    ),
    typesTable('sources', registries.sources),
    '## Sink',
    'Every sink has the keys of its edge, and these. Each type has options of its own.',
    optionsTable(
      { properties: { type: { ...TYPE, description: 'type of the sink' }, required: aSink.properties.required }, required: ['type'] },
      { heading: 'key' },
    ),
    typesTable('sinks', registries.sinks),
    '## Operator',
    `An operator is a map with ${code('type')} and its parameters. The type is the name of an operator below, or the path of a module that begins with ${code('./')}, ${code('../')}, ${code('/')} or ${code('file:')}.`,
    typesTable('operators', registries.operators),
  );
}

const TYPE = { type: 'string' };

function commonOf(schema, kind, registry) {
  const nodes = [...registry.keys()].map((type) => schema.$defs[`${kind}-${type}`].properties);
  const [first, ...others] = nodes;
  return Object.fromEntries(
    Object.entries(first).filter(
      ([key, value]) => key !== 'type' && others.every((one) => JSON.stringify(one[key]) === JSON.stringify(value)),
    ),
  );
}

export function typesTable(kind, registry) {
  return table(
    ['type', 'description'],
    [...registry.values()].map(({ type, description }) => [`[${code(type)}](${kind}/${type}.md)`, sentence(description)]),
  );
}
