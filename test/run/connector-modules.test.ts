import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ModulePath, Pipeline, pipeline, type SinkDefinition } from '#dist/src/index.js';
import { loadPipeline } from '#dist/src/spec/load.js';
import { recordingLogger } from '../support/run-pipeline.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-connectors-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);

/** The messages of a pipeline file that is refused. */
async function refusal(text: string): Promise<string> {
  await write('p.yaml', text);
  const thrown: unknown = await loadPipeline(join(folder, 'p.yaml')).catch((error: unknown) => error);
  return thrown instanceof Error ? thrown.message.replaceAll(folder, '') : 'accepted';
}

const file = (sources: string, sinks = 'o: { type: "null", from: s }'): string =>
  `version: 1\nsources:\n  ${sources}\nsinks:\n  ${sinks}\n`;

test('the example takes numbers from a file, and writes them by a sink and a codec of its own', async () => {
  await cp(join(root, 'examples/connectors'), folder, { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const name of ['csv-source', 'append-sink', 'text-codec']) {
    // The package is not installed under its own name here.
    const text = await readFile(join(folder, `${name}.mjs`), 'utf8');
    await write(
      `${name}.mjs`,
      text
        .replace(/'millrace\/(source|sink)'/, `'${join(root, 'dist/src')}/$1.js'`)
        .replace(/'millrace\/codec'/, `'${join(root, 'dist/src')}/codecs/codec.js'`),
    );
  }
  const { logger } = recordingLogger();
  const run = new Pipeline(await loadPipeline(join(folder, 'pipeline.yaml')), { logger });
  await run.start();
  const report = await run.closed;
  expect(report.ok).toBe(true);
  expect(report.sources.lines!.ledger).toMatchObject({ received: 4, delivered: 3, dead: { malformed: 1 } });
  expect(await readFile(join(folder, 'values.txt'), 'utf8')).toBe('0:1,2,3\n1:4,5,6\n3:10,20,30\n');
});

describe('a module in a pipeline file', () => {
  test('has its options checked at their line and column, with those of others', async () => {
    await write(
      's.mjs',
      `export default { type: 's', description: '', options: { type: 'object', properties: { level: { type: 'integer' } } }, create() {} };`,
    );
    await write(
      'o.mjs',
      `export default { type: 'o', description: '', options: { type: 'object', properties: { to: { enum: ['a', 'b'] } } }, create() {} };`,
    );
    const message = await refusal(file('s: { type: ./s.mjs, level: high, lewel: 3 }', 'o: { type: ./o.mjs, from: s, to: c }'));
    expect(message).toMatch(/p\.yaml:3:30: 'level' must be a whole number, not 'high'/);
    expect(message).toMatch(/p\.yaml:3:36: unknown key 'lewel', did you mean 'level'\?/);
    expect(message).toMatch(/p\.yaml:5:36: 'to' must be a or b, not 'c'/);
  });

  test.each([
    ['a syntax error', 'export default {\n  type: = 3,\n};', /p\.yaml:3:14: cannot load the source \.\/s\.mjs: \/s\.mjs:2:9: SyntaxError/],
    ['a throw at import', '\nthrow new Error("no device");', /p\.yaml:3:14: cannot load the source \.\/s\.mjs: \/s\.mjs:2:7: no device/],
    [
      'no default export',
      'export const a = 1;',
      /p\.yaml:3:14: the default export of source \.\/s\.mjs is neither a function nor made by defineSource/,
    ],
    [
      'an option that each source has',
      `export default { description: '', options: { properties: { slots: {} } }, create() {} };`,
      /cannot have an option named 'slots'/,
    ],
    ['no schema', `export default { description: '', create() {} };`, /needs `options`, a JSON Schema/],
    [
      'a malformed schema',
      `export default { description: '', options: { type: 'objekt' }, create() {} };`,
      /the schema of the options of \.\/s\.mjs is malformed/,
    ],
  ])('with %s is refused with its place', async (_, text, message) => {
    await write('s.mjs', text);
    expect(await refusal(file('s: { type: ./s.mjs }'))).toMatch(message);
  });

  test('that does not exist, and a codec or sink that is none, are refused with their places', async () => {
    await write('c.mjs', `export default { name: 'c', decode() {} };`);
    await write('o.mjs', `export default { description: '', options: {}, batch: 100, create() {} };`);
    const message = await refusal(file('s: { type: ./gone.mjs, codec: ./c.mjs }', 'o: { type: ./o.mjs, from: s }'));
    expect(message).toMatch(/p\.yaml:3:14: the module '\.\/gone\.mjs' does not exist/);
    expect(message).toMatch(/p\.yaml:3:33: the default export of codec \.\/c\.mjs needs the function 'encode'/);
    expect(message).toMatch(/p\.yaml:5:14: .*`batch`: 100, which must be a whole number from 1 to 64/);
  });
});

const SINK = (line: string): string => `
import { appendFileSync } from 'node:fs';
export default {
  module: import.meta.url,
  type: 'lines', description: '', batch: 4, restarts: true,
  options: { type: 'object', properties: { path: { type: 'string' }, mark: { type: 'integer', default: 7 } } },
  create: ({ path, mark }) => ({
    async open() {},
    async write(frames) { for (const frame of frames) appendFileSync(path, ${line}); },
    async close() {},
  }),
};
`;

async function push(
  sink: ModulePath | URL | object,
  more: object = {},
  between: (run: Pipeline) => Promise<void> = async () => {},
): Promise<string> {
  const out = join(folder, 'out.txt');
  const run = pipeline('m')
    .source('s', { type: 'push', maxFrame: 64 })
    .sink('o', { type: sink as ModulePath, from: 's', path: out, ...more })
    .build({ baseDir: folder });
  await run.start();
  await run.source('s').push({ data: Float64Array.of(1) });
  await between(run);
  await run.source('s').push({ data: Float64Array.of(2) });
  run.source('s').end();
  expect((await run.closed).error).toBeUndefined();
  return readFile(out, 'utf8');
}

describe('a module in the builder', () => {
  test('is named by a path, a URL or its definition; defaults of its options are filled in', async () => {
    await write('o.mjs', SINK('`${frame.data[0]}/${mark} `'));
    const url = new URL(`file://${join(folder, 'o.mjs')}`);
    expect(await push('./o.mjs')).toBe('1/7 2/7 ');
    expect(await push(url, { mark: 8 })).toBe('1/7 2/7 1/8 2/8 ');
    const { default: definition } = (await import(url.href)) as { default: object };
    expect(await push(definition, { mark: 9 })).toBe('1/7 2/7 1/8 2/8 1/9 2/9 ');
  });

  test('given as a definition has its options checked at once; without `module` it is refused', async () => {
    await write('o.mjs', SINK("''"));
    const { default: definition } = (await import(join(folder, 'o.mjs'))) as { default: { module?: string } };
    const build = (type: object) =>
      pipeline('m')
        .source('s', { type: 'push' })
        .sink('o', { type: type as SinkDefinition, from: 's', mark: 'x' })
        .spec({ baseDir: folder });
    expect(() => build(definition)).toThrow(/sinks\.o\.mark: 'mark' must be a whole number, not 'x'/);
    expect(() => build({ ...definition, module: undefined })).toThrow(/a definition needs `module: import\.meta\.url`/);
  });

  test('named by a path has its options checked at the start', async () => {
    await write('o.mjs', SINK("''"));
    await expect(push('./o.mjs', { mark: 'x' })).rejects.toThrow(/sinks\.o\.mark: 'mark' must be a whole number, not 'x'/);
  });

  test('runs the code of the start in a thread that replaces another, also after an edit', async () => {
    await write('o.mjs', SINK('`old ${frame.data[0]} `'));
    const text = await push('./o.mjs', {}, async (run) => {
      while (run.report().sinks.o!.delivered < 1) await new Promise((resolve) => setTimeout(resolve, 5));
      await write('o.mjs', SINK('`new ${frame.data[0]} `'));
      (run as unknown as { terminateThread(name: string): boolean }).terminateThread('o');
    });
    expect(text).toBe('old 1 old 2 ');
  });

  test('that answers or writes what is not allowed ends the run with a message that says so', async () => {
    await write(
      'o.mjs',
      `export default () => ({ async open() {}, async close() {}, async write() { return { refused: [{ index: 5, reason: 'sink-refused', detail: '' }] }; } });`,
    );
    await write(
      's.mjs',
      `export default () => ({ async open() {}, async close() {}, async run(out) { await out.write({ dtype: 'uint16', shape: [2, 2] }, new Uint8Array(7)); } });`,
    );
    const run = async (source: ModulePath | 'sim', sink: ModulePath | 'null'): Promise<string> => {
      const more = source === 'sim' ? { frames: 2, shape: [8, 8] } : { maxFrame: 64 };
      const made = pipeline('m')
        .source('s', { type: source as ModulePath, ...more })
        .sink('o', { type: sink as ModulePath, from: 's' })
        .build({ baseDir: folder });
      await made.start();
      return (await made.closed).error?.message ?? 'none';
    };
    expect(await run('sim', './o.mjs')).toMatch(/sink 'o': `write` refused frame 5 of a batch of 1/);
    expect(await run('./s.mjs', 'null')).toMatch(/source 's': a frame of uint16 \[2, 2\] has 8 bytes, not 7/);
  });
});
