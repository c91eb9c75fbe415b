import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, it } from 'vitest';
import { BUILTIN } from '../../src/spec/builtin-registries.js';
import { ConfigError } from '../../src/spec/config-error.js';
import { loadPipeline, parsePipeline, specFromObject } from '../../src/spec/load.js';
import { pipelineSchema } from '../../src/spec/schema.js';
import { FAKES } from './fake-registries.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-load-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TEXT = `version: 1
sources:
  detector: { type: sim, frames: 10 }
sinks:
  out: { type: "null", from: detector }
`;

describe('loading', () => {
  it('resolves against the folder of the file and reads the environment it is given', async () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, TEXT.replace('10', '${FRAMES}'));
    const spec = await loadPipeline(file, { env: { FRAMES: '7' }, set: ['name=x'] });
    expect(spec).toMatchObject({ baseDir: folder, name: 'x', sources: { detector: { options: { frames: 7 } } } });
  });

  it('tells a file that is missing, a folder, and bytes that are no UTF-8', async () => {
    await expect(loadPipeline(join(folder, 'gone.yaml'))).rejects.toMatchObject({ code: 'ERR_CONFIG_FILE', exitCode: 78 });
    await expect(loadPipeline(folder)).rejects.toMatchObject({ code: 'ERR_CONFIG_FILE' });
    const file = join(folder, 'bytes.yaml');
    writeFileSync(file, Buffer.from([0x61, 0x3a, 0xff]));
    await expect(loadPipeline(file)).rejects.toMatchObject({ code: 'ERR_CONFIG_FILE' });
  });

  it('rejects with a ConfigError that names the file', async () => {
    const failing = parsePipeline('version: 3\n', { file: 'f.yaml', baseDir: '.', env: {} });
    await expect(failing).rejects.toBeInstanceOf(ConfigError);
    await expect(failing).rejects.toMatchObject({ exitCode: 78, place: { file: 'f.yaml', line: 1 } });
  });
});

describe('a spec from an object', () => {
  const object = { version: 1, sources: { s: { type: 'sim' } }, sinks: { o: { type: 'null', from: 's' } } };

  it('is the same as from a file, and leaves the object as it was', () => {
    const before = structuredClone(object);
    expect(specFromObject(object, { registries: FAKES })).toMatchObject({ name: 'pipeline', sinks: { o: { from: ['s'], capacity: 64 } } });
    expect(object).toEqual(before);
  });

  it('tells errors by the path of keys', () => {
    expect(() => specFromObject({ ...object, sinks: { o: { type: 'null', from: ['s', 'other'] } } }, { registries: FAKES })).toThrow(
      "sinks.o.from[1]: there is no source or stage 'other' [ERR_CONFIG_INVALID]",
    );
  });
});

it('a spec is made of plain data only', () => {
  const operators = [{ type: () => {} }];
  expect(() => specFromObject({ version: 1, stages: { a: { from: 's', operators } } }, { registries: FAKES })).toThrow(
    /^a pipeline is plain data/,
  );
});

describe('the schema of all that ships', () => {
  it('is a valid JSON Schema, draft 2020-12', () => {
    const ajv = new Ajv2020({ strict: false });
    expect(ajv.validateSchema(pipelineSchema(BUILTIN)), ajv.errorsText()).toBe(true);
  });

  it('has no option that hides a key of its section', () => {
    const source = ['type', 'codec', 'maxFrame', 'slots'];
    const sink = ['type', 'from', 'codec', 'overflow', 'capacity', 'order', 'window', 'required'];
    const clashes = (schemas: Iterable<{ type: string; options: Readonly<Record<string, unknown>> }>, keys: string[]): string[] =>
      [...schemas].flatMap(({ type, options }) =>
        Object.keys(options.properties as object)
          .filter((key) => keys.includes(key))
          .map((key) => `${type}.${key}`),
      );
    expect(clashes(BUILTIN.sources.values(), source)).toEqual([]);
    expect(clashes(BUILTIN.sinks.values(), sink)).toEqual([]);
    for (const { type, parameters } of BUILTIN.operators.values()) {
      expect(Object.keys(parameters.properties as object), type).not.toContain('type');
      expect(parameters.additionalProperties, type).toBe(false);
    }
  });
});
