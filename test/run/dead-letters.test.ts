import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Letter } from '../../src/dead-letters/letter.js';
import { letterNames } from '../../src/dead-letters/letter-directory.js';
import { readLetter } from '../../src/dead-letters/letter-file.js';
import { checkCounter } from '../../src/ingress/sim/counter.js';
import { metricsText } from '../../src/observe/metrics-text.js';
import { pipeline } from '../../src/run/builder.js';
import { specHash } from '../../src/spec/spec-hash.js';
import { operatorPath, type Run, runPipeline, specFromObject } from '../support/run-pipeline.js';
import { itFull } from '../support/test-size.js';

const FRAMES = 100;
const source = { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint16', seed: 3, frames: FRAMES } as const;
/** The ordinals at which the test operators do what they must not. */
const BAD = [3, 13, 23, 33, 43, 53, 63, 73, 83, 93];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-dead-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (description: object, during?: Parameters<typeof runPipeline>[2]): Promise<Run> =>
  runPipeline({ name: 'dying', deadLetters: { directory: join(folder, 'letters') }, ...description }, { poison: true }, during);

async function letters(): Promise<Letter[]> {
  const directory = join(folder, 'letters');
  const read = await Promise.all(letterNames(directory).map((name) => readLetter(join(directory, name))));
  return read.sort((a, b) => a.ordinal - b.ordinal || a.index - b.index || (a.node < b.node ? -1 : 1));
}

/** The frame is what the source made: its number and the checksum over all bytes, as the pattern defines them. */
function expectIntact({ data, ordinal, sequence, dtype, shape }: Letter): void {
  expect(checkCounter(data)).toEqual({ number: ordinal, intact: true });
  expect([sequence, dtype, shape]).toEqual([ordinal, 'uint16', [1, 24]]);
}

describe('an operator that fails', () => {
  for (const [kind, message] of [
    ['throw', 'the sky falls'],
    ['reject', 'the promise breaks'],
  ] as const) {
    it(`${kind}: leaves just its frames as letters, with cause, stack and attempts`, async () => {
      const { report } = await run({
        sources: { s: source },
        stages: { bad: { from: 's', workers: 2, attempts: 2, operators: [{ type: operatorPath('faults'), kind }] } },
        sinks: { out: { type: 'null', from: 'bad', checksum: true } },
      });
      expect(report).toMatchObject({ ok: true, balanced: true, deadLetters: { written: BAD.length, failed: 0, omitted: 0 } });
      expect(report.sources.s!.ledger).toMatchObject({ delivered: FRAMES - BAD.length, dead: { 'operator-failed': BAD.length } });
      const found = await letters();
      expect(found.map(({ ordinal }) => ordinal)).toEqual(BAD);
      for (const letter of found) {
        expectIntact(letter);
        expect(letter).toMatchObject({ pipeline: 'dying', source: 's', index: 0, node: 'bad', outcome: 'operator-failed', attempts: 2 });
        expect(letter).toMatchObject({ code: 'ERR_OPERATOR', message });
        expect(letter.stack).toMatch(new RegExp(`^Error: ${message}\n.*faults\\.mjs:\\d+`, 's'));
        expect(Math.abs(Date.parse(letter.time) - Date.now())).toBeLessThan(60_000);
      }
      expect(readdirSync(join(folder, 'letters'))[0]).toMatch(/^s-0000000003-bad-\d{8}T\d{9}Z\.letter$/);
      expect(metricsText(report)).toContain('millrace_dead_letters_total{pipeline="dying",result="written"} 10\n');
    });
  }

  it('keeps every frame that its input had become', async () => {
    const { report } = await run({
      sources: { s: source },
      stages: {
        three: { from: 's', operators: [{ type: operatorPath('triple') }] },
        bad: { from: 'three', attempts: 1, operators: [{ type: operatorPath('faults'), kind: 'throw' }] },
      },
      sinks: { out: { type: 'null', from: 'bad' } },
    });
    expect(report.deadLetters).toEqual({ written: 3 * BAD.length, failed: 0, omitted: 0 });
    const found = await letters();
    expect(found.map(({ ordinal, index }) => `${ordinal}.${index}`)).toEqual(BAD.flatMap((n) => [0, 1, 2].map((i) => `${n}.${i}`)));
    // The first item times 1, 2 and 3: the frames as the stage was given them.
    for (const { ordinal, index, data } of found) expect(new Uint16Array(data.buffer)[0]).toBe(ordinal * (index + 1));
  });

  it('of two branches leaves a letter for each that gave the frame up', async () => {
    const bad = { from: 's', attempts: 1, operators: [{ type: operatorPath('faults'), kind: 'throw' }] };
    await run({
      sources: { s: source },
      stages: { left: bad, right: bad },
      sinks: { one: { type: 'null', from: 'left' }, two: { type: 'null', from: 'right' } },
    });
    expect((await letters()).map(({ ordinal, node }) => `${ordinal} ${node}`)).toEqual(BAD.flatMap((n) => [`${n} left`, `${n} right`]));
  });
});

it('a worker that dies with a frame as often as it is tried leaves a letter with the frame and the death', {
  timeout: 60_000,
}, async () => {
  const { report } = await run({
    sources: { s: { ...source, rate: 1000 } },
    stages: {
      bad: { from: 's', workers: 2, attempts: 2, operators: [{ type: operatorPath('faults'), kind: 'exit', every: FRAMES, at: 50 }] },
    },
    sinks: { out: { type: 'null', from: 'bad', checksum: true } },
  });
  expect(report).toMatchObject({ ok: true, balanced: true, deadLetters: { written: 1, failed: 0, omitted: 0 } });
  expect(report.sources.s!.ledger.dead).toEqual({ 'worker-lost': 1 });
  const [letter, ...others] = await letters();
  expect(others).toEqual([]);
  expectIntact(letter!);
  expect(letter).toMatchObject({ ordinal: 50, node: 'bad', outcome: 'worker-lost', attempts: 2, code: 'ERR_WORKER' });
  expect(letter!.message).toMatch(/exit|thread/i);
});

itFull(
  'a frame has a letter before it is dead: workers are ended at steps between and anywhere, and none lacks one',
  {
    timeout: 120_000,
  },
  async () => {
    const deaths = 16;
    const hits = new SharedArrayBuffer(4 * 128);
    // Steps of commit, settlement and release.
    const steps = [40, 41, 42, 43, 60, 61, 62, 70, 71, 72];
    let terminated = 0;
    const { report } = await runPipeline(
      {
        deadLetters: { directory: join(folder, 'letters'), maxFiles: 60_000 },
        sources: { s: { ...source, frames: 1_000_000, rate: 500 } }, // more than come
        stages: {
          bad: { from: 's', workers: 2, attempts: 1, operators: [{ type: operatorPath('faults'), kind: 'throw', every: 1, at: 0 }] },
        },
        sinks: { out: { type: 'null', from: 'bad' } },
      },
      { fault: { file: 'ring.fault.wasm', hits, seed: 7, workers: deaths, steps, within: 20 } },
      async (pipeline) => {
        while ((pipeline.report().stages.bad!.restarts < deaths || terminated === 0) && !pipeline.report().error) {
          await delay(80);
          if (pipeline.terminateWorker('bad', terminated % 2)) terminated++;
        }
        void pipeline.stop();
      },
    );
    expect(report).toMatchObject({ balanced: true, ok: true });
    const { dead, received } = report.sources.s!.ledger;
    expect((dead['operator-failed'] ?? 0) + (dead['worker-lost'] ?? 0)).toBe(received);
    expect(new Int32Array(hits).slice(1).some((n) => n > 0)).toBe(true);
    expect(terminated).toBeGreaterThan(0);
    // Half written ones of those that were ended while they wrote are gone, but for the last of each number.
    expect(readdirSync(join(folder, 'letters')).filter((name) => name.endsWith('.part')).length).toBeLessThanOrEqual(2);
    const found = await letters();
    for (const letter of found) expectIntact(letter);
    expect([...new Set(found.map(({ ordinal }) => ordinal))]).toEqual(Array.from({ length: received }, (_, n) => n));
  },
);

describe('a sink that refuses', () => {
  it('leaves the frames that it did not take, as it was given them', async () => {
    const { report } = await run({
      sources: { s: source },
      stages: { spoil: { from: 's', operators: [{ type: operatorPath('spoil') }] } },
      sinks: { out: { type: 'null', from: 'spoil', checksum: true } },
    });
    expect(report.sources.s!.ledger).toMatchObject({ delivered: FRAMES - BAD.length, dead: { 'sink-refused': BAD.length } });
    const found = await letters();
    expect(found.map(({ ordinal }) => ordinal)).toEqual(BAD);
    for (const letter of found) {
      expect(letter).toMatchObject({ node: 'out', outcome: 'sink-refused', code: 'ERR_SINK', attempts: 1 });
      expect(letter.message).toContain('checksum');
      letter.data[0]! ^= 1;
      expectIntact(letter);
    }
  });

  it('throws, and is not required: leaves the whole batch, with the stack', async () => {
    writeFileSync(join(folder, 'file'), '');
    const { report } = await run({
      sources: { s: { ...source, frames: 3 } },
      sinks: { out: { type: 'file', from: 's', path: join(folder, 'file/{sequence}/x.npy'), required: false } },
    });
    expect(report.sources.s!.ledger.dead).toEqual({ 'sink-refused': 3 });
    const found = await letters();
    expect(found.map(({ ordinal, node, outcome }) => [ordinal, node, outcome])).toEqual([0, 1, 2].map((n) => [n, 'out', 'sink-refused']));
    for (const letter of found) {
      expectIntact(letter);
      expect(letter.message).toMatch(/ENOTDIR|EEXIST/);
      expect(letter.stack).toMatch(/mkdir/);
    }
  });
});

describe('the folder of letters', () => {
  const failing = {
    sources: { s: source },
    stages: { bad: { from: 's', attempts: 1, operators: [{ type: operatorPath('faults'), kind: 'throw' }] } },
    sinks: { out: { type: 'null', from: 'bad', checksum: true } },
  };

  it('takes so many letters and no more; what is omitted is counted, and the run is as good as ever', async () => {
    const { report, lines } = await run({ ...failing, deadLetters: { directory: join(folder, 'letters'), maxFiles: 4 } });
    expect(report).toMatchObject({ ok: true, balanced: true, deadLetters: { written: 4, failed: 0, omitted: 6 } });
    expect((await letters()).map(({ ordinal }) => ordinal)).toEqual(BAD.slice(0, 4));
    expect(lines.filter(({ message }) => message.includes('dead letters are not written'))).toHaveLength(1);
  });

  it('cannot be written any more: that is counted and told, and stops nothing', async () => {
    const slow = { ...failing, sources: { s: { ...source, rate: 200 } } };
    const { report, lines } = await run(slow, () => rmSync(join(folder, 'letters'), { recursive: true }));
    const { written, failed } = report.deadLetters!;
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger).toMatchObject({ delivered: FRAMES - BAD.length, dead: { 'operator-failed': BAD.length } });
    expect(written + failed).toBe(BAD.length);
    expect(failed).toBeGreaterThan(BAD.length / 2);
    expect(lines.some(({ message }) => message.includes('cannot write a dead letter'))).toBe(true);
  });

  it('is relative to the pipeline, and keeps the run from starting where it cannot be made', async () => {
    writeFileSync(join(folder, 'file'), '');
    const start = run({ ...failing, deadLetters: { directory: join(folder, 'file/letters') } });
    await expect(start).rejects.toMatchObject({ code: 'ERR_CONFIG_FILE', exitCode: 78 });
    const spec = specFromObject({ version: 1, ...failing, deadLetters: { directory: 'letters' } }, { baseDir: folder });
    const { plan } = (await import('#dist/src/plan/plan.js' as string)) as typeof import('../../src/plan/plan.js');
    expect((await plan(spec)).plan.deadLetters).toMatchObject({ directory: join(folder, 'letters'), maxFiles: 10_000 });
  });

  it('is left alone, and nothing stands in the report, where the pipeline names none', async () => {
    const { report } = await run({ ...failing, deadLetters: undefined });
    expect(report).not.toHaveProperty('deadLetters');
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('deadLetters in a pipeline', () => {
  const description = { version: 1, sources: { s: source }, sinks: { out: { type: 'null', from: 's' } } };

  it('is off, or has a directory and a default', () => {
    expect(specFromObject(description)).not.toHaveProperty('deadLetters');
    expect(specFromObject({ ...description, deadLetters: { directory: 'd' } }).deadLetters).toMatchObject({
      directory: 'd',
      maxFiles: 10_000,
    });
    const built = pipeline('p')
      .source('s', source)
      .sink('out', { type: 'null', from: 's' })
      .with({ deadLetters: { directory: 'd', maxFiles: 5 } });
    expect(built.spec().deadLetters).toMatchObject({ directory: 'd', maxFiles: 5 });
  });

  it.each([
    [{}],
    [{ directory: '' }],
    [{ directory: 'd', maxFiles: 0 }],
    [{ directory: 'd', maxFiles: 65_537 }],
    [{ directory: 'd', files: 3 }],
    ['d'],
  ])('is refused: %j', (deadLetters) => {
    expect(() => specFromObject({ ...description, deadLetters })).toThrowError(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('deadLetters') }),
    );
  });
});

describe('the hash of a pipeline', () => {
  const description = { version: 1, sources: { s: source }, sinks: { place: { type: 'null', from: 's', capacity: 7 } } };

  it('is that of what it says, not of where it lies or how it is written', () => {
    const hash = specHash(specFromObject(description, { baseDir: folder }));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    const { sinks, sources, version } = description;
    expect(specHash(specFromObject({ sinks, sources, version, stages: {} }, { baseDir: '/' }))).toBe(hash);
    const other = { ...description, sinks: { place: { type: 'null', from: 's', capacity: 8 } } };
    expect(specHash(specFromObject(other, { baseDir: folder }))).not.toBe(hash);
    const renamed = { ...description, sinks: { other: description.sinks.place } };
    expect(specHash(specFromObject(renamed, { baseDir: folder }))).not.toBe(hash);
  });
});
