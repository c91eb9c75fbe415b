import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ModulePath, type OwnFrame, type Pipeline, pipeline } from '#dist/src/index.js';
import { type LogLine, recordingLogger } from '../support/run-pipeline.js';

let folder: string;
let lines: readonly LogLine[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-module-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);

/** An operator whose results are a number of its code times one of its parameters. */
const operator = (factor: number | string, imports = ''): string => `${imports}
export default {
  type: 'times', description: '', updates: true,
  parameters: { type: 'object', properties: { by: { type: 'number' } } },
  create: ({ by = 1 }) => ({
    process(frame, out) {
      const made = out.create({ shape: [1], dtype: 'float64' });
      made.data[0] = ${factor} * by;
      out.emit(made);
    },
  }),
};
`;

interface Running {
  readonly run: Pipeline;
  /** Pushes a frame and reads its result. */
  result(): Promise<OwnFrame>;
}

function build(type: ModulePath, workers = 1): Pipeline {
  const recorded = recordingLogger();
  lines = recorded.lines;
  return pipeline('code')
    .source('in', { type: 'push', maxFrame: 64 })
    .stage('times', { from: 'in', workers, operators: [{ type, by: 1 }] })
    .sink('out', { type: 'iterate', from: 'times' })
    .build({ baseDir: folder, logger: recorded.logger });
}

async function start(type: ModulePath): Promise<Running> {
  const run = build(type);
  await run.start();
  const frames = run.sink('out')[Symbol.asyncIterator]();
  return {
    run,
    async result() {
      await run.source('in').push({ data: Float64Array.of(0) });
      return (await frames.next()).value!;
    },
  };
}

describe('an operator module that is edited while the pipeline runs', () => {
  for (const [what, edit] of [
    ['its own file', () => write('op.mjs', operator(99, "import { factor } from './lib.mjs';"))],
    ['a file that it imports', () => write('lib.mjs', 'export const factor = 99;\n')],
  ] as const)
    test(`a worker that takes another's place runs the code of the others: ${what}`, async () => {
      await write('lib.mjs', 'export const factor = 1;\n');
      await write('op.mjs', operator('factor', "import { factor } from './lib.mjs';"));
      const { run, result } = await start('./op.mjs');
      const first = await result();
      await edit();
      expect(run.terminateWorker('times', 0)).toBe(true);
      const second = await result();
      expect([first.data[0], second.data[0]]).toEqual([1, 1]);
      expect(second.parameters).toBe(first.parameters);
      expect(lines.filter(({ level, message }) => level === 'warn' && message.includes('changed since the run began'))).toHaveLength(1);
      await run.abort();
    });

  test('an update gives new parameters to the code that runs', async () => {
    await write('op.mjs', operator(1));
    const { run, result } = await start('./op.mjs');
    await result();
    await write('op.mjs', operator(99));
    await run.update('times', 0, { by: 3 });
    expect((await result()).data[0]).toBe(3);
    await run.abort();
  });

  test('the next run loads it anew, and its results have another hash', async () => {
    await write('op.mjs', operator(1));
    const before = await start('./op.mjs');
    const first = await before.result();
    await before.run.abort();
    await write('op.mjs', operator(99));
    const after = await start('./op.mjs');
    const second = await after.result();
    expect([first.data[0], second.data[0]]).toEqual([1, 99]);
    expect(second.parameters).not.toBe(first.parameters);
    await after.run.abort();
  });

  test('a run in the same process is refused where a file that it imports has changed, which cannot be loaded anew', async () => {
    await write('lib.mjs', 'export const factor = 1;\n');
    await write('op.mjs', operator('factor', "import { factor } from './lib.mjs';"));
    const before = await start('./op.mjs');
    await before.run.abort();
    await write('lib.mjs', 'export const factor = 99;\n');
    await expect(start('./op.mjs')).rejects.toMatchObject({
      code: 'ERR_CONFIG_FILE',
      message: /lib\.mjs has changed.*start the process again/,
    });
    await write('lib.mjs', 'export const factor = 1;\n');
    const again = await start('./op.mjs');
    expect((await again.result()).data[0]).toBe(1);
    await again.run.abort();
  });

  test('where the old code cannot be loaded the run fails, and says what to do', async () => {
    const text = (factor: number) => operator(factor).replace('export default', 'module.exports =');
    await write('op.cjs', text(1));
    const { run, result } = await start('./op.cjs');
    await result();
    await write('op.cjs', text(99));
    run.terminateWorker('times', 0);
    void run
      .source('in')
      .push({ data: Float64Array.of(0) })
      .catch(() => {});
    const report = await run.closed;
    expect(report).toMatchObject({ ok: false, error: { code: 'ERR_WORKER', message: expect.stringMatching(/op\.cjs/) } });
  });
});

describe('an operator module that cannot be loaded', () => {
  const refusal = async (type: ModulePath): Promise<string> => {
    const error = (await start(type).catch((thrown: unknown) => thrown)) as { code: string; message: string };
    expect(error.code).toBe('ERR_CONFIG_FILE');
    return error.message;
  };

  test('a syntax error is told with file, line and column', async () => {
    await write('op.mjs', 'export default () => ({\n  process(frame, out) {\n    out.emit(frame;\n  },\n});\n');
    expect(await refusal('./op.mjs')).toContain(`${join(folder, 'op.mjs')}:3:14: SyntaxError`);
  });

  test('so is one in a file that it imports, and a name that this does not export', async () => {
    await write('lib.mjs', '\nconst a = 1 2;\n');
    await write('op.mjs', "import './lib.mjs';\nexport default () => ({});\n");
    expect(await refusal('./op.mjs')).toContain(`${join(folder, 'lib.mjs')}:2:13: SyntaxError`);
    await write('other.mjs', "import { nothing } from 'node:fs';\nexport default nothing;\n");
    expect(await refusal('./other.mjs')).toContain(`${join(folder, 'other.mjs')}:1:10: SyntaxError`);
  });

  test('and so is an error that it throws as it is loaded', async () => {
    await write('op.mjs', "\nthrow new Error('no detector');\n");
    expect(await refusal('./op.mjs')).toContain(`${join(folder, 'op.mjs')}:2:7: no detector`);
  });
});

test('a state that cannot go to other threads is refused with a code, at the start', async () => {
  const prepare = 'prepare: () => ({ state: { f: () => 1 } })';
  await write('op.mjs', `export default { type: 's', description: '', parameters: {}, ${prepare}, create: () => ({ process() {} }) };\n`);
  await expect(start('./op.mjs')).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID', message: /state that prepare\(\) returns/ });
});

describe('an operator that returns a value', () => {
  const counted = async (body: string, workers: number): Promise<readonly LogLine[]> => {
    await write('op.mjs', `export default () => ({ ${body} });\n`);
    const run = build('./op.mjs', workers);
    await run.start();
    for (let n = 0; n < 60; n++) await run.source('in').push({ data: Float64Array.of(n) });
    run.source('in').end();
    for await (const _ of run.sink('out'));
    expect((await run.closed).balanced).toBe(true);
    return lines.filter(({ message }) => message.includes('returned a value'));
  };

  test('and emits nothing is warned about once, with the cure', async () => {
    for (const body of ['process(frame) { return frame; }', 'async process(frame) { return { data: frame.data[0] }; }']) {
      const hints = await counted(body, 2);
      expect(hints).toHaveLength(1);
      expect(hints[0]).toMatchObject({ level: 'warn', fields: { stage: 'times', operator: './op.mjs' } });
      expect(hints[0]!.message).toMatch(/out\.emit\(frame\)/);
    }
  });

  test('that is no result, or beside an output, is no mistake', async () => {
    expect(await counted('process: (frame, out) => frame.data[0] > 3 && out.emit(frame)', 1)).toEqual([]);
    expect(await counted('process(frame, out) { out.emit(frame); return frame; }', 1)).toEqual([]);
  });
});
