import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/errors/errors.js';
import { BUILTIN } from '../../src/spec/builtin-registries.js';
import { parsePipelineWith } from '../../src/spec/parse-pipeline.js';
import { pipelineSchema } from '../../src/spec/schema.js';
import { DEFAULTS } from '../../src/spec/spec.js';
import { FAKES } from './fake-registries.js';

// docs/reference/pipeline.md is the norm: the code is measured against it.
const text = readFileSync(new URL('../../docs/reference/pipeline.md', import.meta.url), 'utf8');

type Schema = { properties: Record<string, { default?: unknown; minimum?: number; maximum?: number }> };
const schema = pipelineSchema(FAKES) as unknown as Schema & { $defs: Record<string, Schema> };

/** Key to form and default, of the tables below a heading. */
function rows(heading: string): Map<string, { form: string; preset: string }> {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading))!;
  const found = [...section.matchAll(/^\| `(\w+)` \| (.*?) \| (.*?) \| .*\|$/gm)];
  return new Map(found.map(([, key, form, preset]) => [key!, { form: form!, preset: preset! }]));
}

const edge = rows('The edge');
const SECTIONS: [string, Schema, ReturnType<typeof rows>][] = [
  ['the top', schema, rows('The top')],
  ['a source', schema.$defs['source-zmq']!, rows('A source')],
  ['a stage', schema.$defs.stage!, new Map([...edge, ...rows('A stage')])],
  ['a sink', schema.$defs['sink-zmq']!, new Map([...edge, ...rows('A sink')])],
];

describe.each(SECTIONS)('%s', (_, { properties }, documented) => {
  it('has exactly the keys of the specification', () => {
    const own = ['socket', 'connect', 'bind'];
    expect(
      Object.keys(properties)
        .filter((key) => !own.includes(key))
        .sort(),
    ).toEqual([...documented.keys()].sort());
  });

  it('has the limits and defaults of the specification', () => {
    for (const [key, { form, preset }] of documented) {
      const limits = /^(\d+) to (\d+)$/.exec(form);
      if (limits) expect([properties[key]!.minimum, properties[key]!.maximum], key).toEqual([Number(limits[1]), Number(limits[2])]);
      const stated = /^`?([\w.-]+)`?$/.exec(preset)?.[1];
      if (stated === undefined || ['required', 'computed', 'none', 'off', 'empty'].includes(stated)) continue;
      expect(String(properties[key]!.default), key).toBe(stated);
    }
  });
});

it('fills in what the specification calls the default, also where the schema cannot say it', () => {
  expect(DEFAULTS.drainMs).toBe(30_000);
  expect([1, 2, 3, 8].map(DEFAULTS.window)).toEqual([8, 8, 12, 32]);
});

it('knows every code that the specification names', () => {
  for (const [, code] of text.matchAll(/`(ERR_\w+)`/g)) expect(ERRORS).toHaveProperty(code!);
});

it('takes the example of the specification, but for its files', () => {
  const example = /```yaml\n([\s\S]*?)```/.exec(text)![1]!;
  expect(() => parsePipelineWith(example, { file: 'example', baseDir: '/nowhere', registries: BUILTIN })).toThrowError(
    /^example:12:29: .*\[ERR_CONFIG_FILE\]\nexample:13:17: .*\[ERR_CONFIG_FILE\]$/,
  );
});
