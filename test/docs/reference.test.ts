import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BUILTIN } from '../../src/spec/builtin-registries.js';
import { parsePipeline } from '../../src/spec/load.js';
import { type JsonSchema, pipelineSchema } from '../../src/spec/schema.js';
import { runCommand } from '../support/run-command.js';

const KINDS = ['sources', 'operators', 'sinks'] as const;
const DEFINITIONS = KINDS.flatMap((kind) => [...BUILTIN[kind].values()].map(({ type, docs }) => ({ name: `${kind}/${type}`, docs })));
const NEEDS_A_SERVER = ['sources/zmq', 'sinks/zmq', 'sinks/kafka', 'sinks/redis'];

/** NPY 1.0 (numpy/lib/format.py): a frame of float32 ones. */
function npyOfOnes(rows: number, columns: number): Buffer {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`.padEnd(117);
  const head = Buffer.concat([Buffer.from([0x93]), Buffer.from('NUMPY'), Buffer.from([1, 0, 118, 0]), Buffer.from(`${header}\n`)]);
  return Buffer.concat([head, Buffer.from(new Float32Array(rows * columns).fill(1).buffer)]);
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-reference-'));
  await mkdir(join(folder, 'frames'));
  for (const name of ['dark.npy', 'flat.npy', 'frames/1.npy', 'frames/2.npy']) await writeFile(join(folder, name), npyOfOnes(64, 64));
});
afterAll(() => rm(folder, { recursive: true }));

it('the generated pages match the definitions of the build', () => {
  const script = fileURLToPath(new URL('../../scripts/reference.mjs', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

describe('each definition has what its page needs', () => {
  it.each(DEFINITIONS)('$name has an example and errors', ({ docs }) => {
    expect(docs?.example).toBeTypeOf('string');
    expect(Object.keys(docs?.errors ?? {}).length).toBeGreaterThan(0);
  });

  it('each codec has a description', () => {
    for (const { description } of BUILTIN.codecs.values()) expect(description).toMatch(/.\.$/);
  });

  it('each key of a pipeline file has a description', () => {
    const { $defs, ...top } = pipelineSchema(BUILTIN);
    const missing = undescribed(top, '');
    for (const [name, schema] of Object.entries($defs as Record<string, JsonSchema>)) missing.push(...undescribed(schema, name));
    expect(missing.filter((path) => !path.endsWith('.type'))).toEqual([]);
  });
});

/** Paths of the properties without a description. */
function undescribed(schema: JsonSchema, path: string): string[] {
  const inner = [schema, ...(((schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined) ?? [])];
  return inner.flatMap(({ properties = {} }) =>
    Object.entries(properties as Record<string, JsonSchema>).flatMap(([key, value]) => [
      ...(value.description === undefined ? [`${path}.${key}`] : []),
      ...undescribed(value, `${path}.${key}`),
    ]),
  );
}

describe('the examples', () => {
  const yaml = DEFINITIONS.filter(({ docs }) => docs?.example && docs.language === undefined);

  it.each(yaml.filter(({ name }) => NEEDS_A_SERVER.includes(name)))('of $name is a valid pipeline', async ({ docs }) => {
    await expect(parsePipeline(docs!.example!, { file: 'example.yaml', baseDir: folder })).resolves.toBeDefined();
  });

  it.concurrent.each(yaml.filter(({ name }) => !NEEDS_A_SERVER.includes(name)))('of $name runs', async ({ name, docs }) => {
    const pipeline = parse(docs!.example!) as object;
    const { code, stderr } = await runCommand(folder, `${name.replace('/', '-')}.yaml`, pipeline, ['--quiet', '--no-ctl']);
    expect(code, stderr).toBe(0);
  });
});
