import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readNpy } from '../../src/codecs/npy.js';

const run = promisify(execFile);
const root = new URL('../..', import.meta.url).pathname;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-join-example-'));
  await cp(join(root, 'examples/join'), folder, { recursive: true });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the example of a join divides each frame by the count of its number, and accounts for all as it says', {
  timeout: 60_000,
}, async () => {
  const file = join(folder, 'pipeline.yaml');
  const raw = ['detector', 'monitor'].map((from) => `  raw_${from}: { type: file, from: ${from}, path: "${from}/{ordinal:06}.npy" }\n`);
  await writeFile(file, (await readFile(file, 'utf8')) + raw.join(''));
  const { stdout } = await run(process.execPath, [join(root, 'dist/src/cli/main.js'), 'run', file, '--json']);
  const { ok, sources } = JSON.parse(stdout);
  expect(ok).toBe(true);
  // The detector's raw frames are delivered too, and a frame counts by its worst end.
  expect(sources.detector.ledger).toMatchObject({ received: 200, delivered: 190, dropped: { unmatched: 10 } });
  expect(sources.monitor.ledger).toMatchObject({ received: 190, delivered: 190, dropped: {} });
  const read = async (path: string) => readNpy(await readFile(join(folder, path))).data;
  const names = (await readdir(join(folder, 'normalised'))).filter((name) => name.endsWith('.npy')).sort();
  expect(names).toEqual(Array.from({ length: 190 }, (_, i) => `frame-${String(i).padStart(6, '0')}.npy`));
  for (const name of names) {
    const number = name.slice(6);
    const count = ((await read(`monitor/${number}`)) as Uint16Array).reduce((sum, value) => sum + value, 0);
    expect(count).toBeGreaterThan(0);
    expect(await read(`normalised/${name}`)).toEqual(
      Float32Array.from((await read(`detector/${number}`)) as Uint16Array, (value) => value / count),
    );
  }
});

test('without raw sinks the ledger is the one that its README tells', { timeout: 60_000 }, async () => {
  const file = join(root, 'examples/join/pipeline.yaml');
  const args = [
    join(root, 'dist/src/cli/main.js'),
    'run',
    file,
    '--json',
    '--set',
    `sinks.out.path=${join(folder, 'again/{ordinal:06}.npy')}`,
  ];
  const { sources } = JSON.parse((await run(process.execPath, args)).stdout);
  expect(sources.detector.ledger).toMatchObject({ received: 200, delivered: 190, merged: 0, dropped: { unmatched: 10 } });
  expect(sources.monitor.ledger).toMatchObject({ received: 190, delivered: 0, merged: 190, dropped: {} });
});
