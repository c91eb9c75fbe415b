import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { installPacked, type PackedPackage, ROOT } from '../support/packed-package.js';
import { itFull } from '../support/test-size.js';

const run = promisify(execFile);
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');

let packed: PackedPackage;
beforeAll(async () => {
  packed = await installPacked({ others: ['@types/node'] });
});
afterAll(() => packed.remove());

/** What the compiler says of files in the folder of the package, without skipLibCheck and without the types of a browser. */
async function compile(files: Readonly<Record<string, string>>, options: object = {}): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(packed.folder, name), text);
  const compilerOptions = {
    target: 'ES2022',
    lib: ['ES2022'],
    types: ['node'],
    module: 'NodeNext',
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    skipLibCheck: false,
    ...options,
  };
  await writeFile(join(packed.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  try {
    return (await run(process.execPath, [tsc, '-p', packed.folder], { cwd: packed.folder })).stdout;
  } catch (error) {
    return (error as { stdout?: string }).stdout || String(error);
  }
}

const consumer = `
import { loadPipeline, type Pipeline, pipeline, type Report } from 'millrace';
import { type Codec } from 'millrace/codec';
import { defineOperator } from 'millrace/operator';
import { runOperator } from 'millrace/testing';
import { Pull } from 'millrace/zmtp';
export const double = defineOperator<{ by?: number }>({
  type: 'double',
  description: 'doubles',
  parameters: { type: 'object', additionalProperties: false, properties: { by: { type: 'number' } } },
  create: ({ by = 2 }, { memory }) => ({
    process(frame, out) {
      const made = out.create({ shape: frame.shape, dtype: 'float64' });
      for (let i = 0; i < frame.data.length; i++) made.data[i] = Number(frame.data[i]) * by;
      if (memory.buffer.byteLength > 0) out.emit(made);
    },
  }),
});
export async function main(file: string): Promise<Report> {
  const fromFile: Pipeline = new (await import('millrace')).Pipeline(await loadPipeline(file));
  await fromFile.abort();
  await using run = pipeline('p').source('in', { type: 'push', maxFrame: '1MiB' }).sink('out', { type: 'iterate', from: 'in' }).build();
  await runOperator(double, { by: 3 }, [{ data: Uint8Array.of(1) }]);
  return run.closed;
}
export const codecs: Codec[] = [];
export const socket = Pull;
`;

test('a program compiles without skipLibCheck and without the types of a browser, and so does the code of README and the guide', async () => {
  const pages = ['README.md', 'docs/guide/embedding.md', 'docs/guide/your-operator.md'];
  const text = (await Promise.all(pages.map((page) => readFile(join(ROOT, page), 'utf8')))).join('\n');
  // A block that begins with its file name imports a neighbour, or is imported.
  const blocks = [...text.matchAll(/```(ts|js)\n(?:\/\/ (\S+\.mjs).*\n)?([\s\S]*?)```/g)].map(([, language, name, code], index) => [
    name ?? `block-${index}.${language === 'ts' ? 'mts' : 'mjs'}`,
    code!,
  ]);
  expect(blocks.length).toBeGreaterThan(5);
  const files = { 'consumer.mts': consumer, ...Object.fromEntries(blocks) };
  expect(await compile(files, { lib: ['ES2022', 'ESNext.Disposable'] })).toBe('');
});

itFull('a program with the types of a browser compiles too, and hands the memory to WebAssembly', async () => {
  const wasm = `
import { defineOperator } from 'millrace/operator';
export default defineOperator({ type: 'w', description: '', parameters: {}, create: (_, { memory }) => {
  const made = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array()), { env: { memory } });
  return { process() { void made; } };
} });
`;
  expect(await compile({ 'wasm.mts': wasm, 'consumer.mts': consumer }, { lib: ['ES2022', 'ESNext.Disposable', 'DOM'] })).toBe('');
});
