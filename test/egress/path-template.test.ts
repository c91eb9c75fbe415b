import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { planJob } from '../../src/cli/demo/job.js';
import { standalone } from '../../src/cli/demo/standalone.js';
import { PathTemplate, runName } from '../../src/egress/file/path-template.js';
import { sayFound } from '../../src/egress/file/say-found.js';
import { SILENT } from '../../src/errors/logger.js';
import { loadPipeline } from '../../src/spec/load.js';
import { plainFrame } from '../support/plain-frame.js';

const folder = mkdtempSync(join(tmpdir(), 'path-template-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('{run} in a path', () => {
  const run = runName(new Date(Date.UTC(2026, 10, 30, 4, 5, 6, 789)));

  it('is the start of the run in UTC, to the second', () => {
    expect(run).toBe('20261130T040506Z');
  });

  it('is filled in, in folder and name, and makes no file a frame', () => {
    const frame = plainFrame([1], Uint8Array.of(1), { ordinal: 7, sequence: 7 });
    const inFolder = new PathTemplate('hits/{run}/hit-{ordinal:06}.npy', folder, run);
    expect(inFolder.folder).toBe(join(folder, 'hits', run));
    expect(inFolder.fill(frame)).toBe(join(folder, 'hits', run, 'hit-000007.npy'));
    const inName = new PathTemplate('rows-{run}.npy', folder, run);
    expect(inName.perFrame).toBe(false);
    expect(inName.fill(frame)).toBe(join(folder, `rows-${run}.npy`));
    // Of any run: what an earlier one left unfinished is recovered.
    expect(inName.matches('rows-20250101T000000Z.npy')).toBe(true);
    expect(inName.matches('rows-yesterday.npy')).toBe(false);
  });
});

it('a sink says how many files it finds that its path could name, and nothing where there are none', async () => {
  for (const name of ['hit-1.npy', 'hit-2.npy', 'hit-2-000001.npy', '.hit-3.npy.0.part', 'other.npy'])
    writeFileSync(join(folder, name), '');
  const lines: string[] = [];
  const log = { ...SILENT, info: (_fields: object, message: string) => void lines.push(message) };
  await sayFound(folder, new PathTemplate('hit-{ordinal}.npy', folder), 'no file is replaced', log);
  await sayFound(folder, new PathTemplate('new-{ordinal}.npy', folder), 'no file is replaced', log);
  expect(lines).toEqual([`${folder} already has 3 files matching ${folder}/hit-{ordinal}.npy; no file is replaced`]);
});

it('the pipeline file of the demo has no sockets and no anchors, and can be loaded', async () => {
  const output = { out: () => {}, err: () => {}, raw: () => {}, isTty: false, columns: 80 };
  const sockets = { results: 'tcp://127.0.0.1:1', frames: 'tcp://127.0.0.1:2' };
  const job = await planJob({ out: folder, output, ...sockets, frameCount: undefined, input: undefined, geometry: undefined });
  const text = standalone(job);
  expect(text).not.toMatch(/127\.0\.0\.1|: &|: \*|- \*/);
  writeFileSync(join(folder, 'pipeline.yaml'), text);
  const spec = await loadPipeline(join(folder, 'pipeline.yaml'));
  expect(spec.sources.detector).toMatchObject({ type: 'sim', options: { frames: 500, pattern: 'powder' } });
  expect(spec.sinks.live).toMatchObject({ type: 'file' });
});
