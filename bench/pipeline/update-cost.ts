import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pipeline } from '../../src/run/pipeline.js';
import { specFromObject } from '../../src/spec/load.js';
import { type Bench, type BenchRow, burn, check, isSlow } from '../support/bench.js';

const SIDE = 1024;
const EVERY_MS = 5;
const WINDOW_MS = 400;
const LOOK_MS = 1;

type Params = Readonly<Record<string, unknown>>;

/** A mask of all pixels that are a multiple of `step`, as .npy (format 1.0). */
function maskFile(directory: string, step: number): string {
  const header = `${`{'descr': '|u1', 'fortran_order': False, 'shape': (${SIDE}, ${SIDE}), }`.padEnd(117)}\n`;
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
  const path = join(directory, `mask-${step}.npy`);
  writeFileSync(
    path,
    Buffer.concat([head, Buffer.from(header), Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i % step === 0 ? 1 : 0))]),
  );
  return path;
}

const quantile = (values: readonly number[], q: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN;

/** The rate of one running pipeline in windows with an update every 5 ms, against that in the windows between them. */
async function rowOf(row: string, type: string, variants: readonly [Params, Params], repeats: number): Promise<BenchRow> {
  const pipeline = new Pipeline(
    specFromObject({
      version: 1,
      name: 'bench',
      sources: { s: { type: 'sim', pattern: 'noise', pool: 2, shape: [SIDE, SIDE], dtype: 'uint16', frames: 1e9 } },
      stages: { p: { from: 's', workers: 1, operators: [{ type, ...variants[0] }] } },
      sinks: { x: { type: 'null', from: 'p' } },
    }),
  );
  await pipeline.start();
  const tookMs: number[] = [];
  let updates = 0;
  const window = async (isUpdated: boolean): Promise<{ rate: number; gapMs: number }> => {
    const startMs = performance.now();
    const first = pipeline.progress().delivered;
    let isOver = false;
    const updating = (async () => {
      while (isUpdated && !isOver) {
        const fromMs = performance.now();
        if (isSlow(row)) burn(EVERY_MS);
        await pipeline.update('p', 0, variants[++updates & 1]!);
        tookMs.push(performance.now() - fromMs);
        await sleep(Math.max(0, EVERY_MS - (performance.now() - fromMs)));
      }
    })();
    let last = first;
    let changedMs = startMs;
    let gapMs = 0;
    while (performance.now() - startMs < WINDOW_MS) {
      await sleep(LOOK_MS);
      const { delivered } = pipeline.progress();
      const nowMs = performance.now();
      if (delivered === last) {
        gapMs = Math.max(gapMs, nowMs - changedMs); // seen, not inferred: while this thread itself stood still results may have come
        continue;
      }
      last = delivered;
      changedMs = nowMs;
    }
    const rate = (last - first) / ((changedMs - startMs) / 1e3);
    isOver = true;
    await updating;
    return { rate, gapMs };
  };
  await window(false);
  await window(true); // compiles
  tookMs.length = 0;
  const without: number[] = [];
  const withUpdates: number[] = [];
  const gaps: [number, number] = [0, 0];
  for (let i = 0; i < repeats; i++) {
    for (const isUpdated of i % 2 ? [true, false] : [false, true]) {
      const { rate, gapMs } = await window(isUpdated);
      (isUpdated ? withUpdates : without).push(rate);
      gaps[isUpdated ? 1 : 0] = Math.max(gaps[isUpdated ? 1 : 0], gapMs);
    }
  }
  const report = await pipeline.stop();
  check(report.ok && report.balanced, `the run was not ok: ${report.error?.message ?? 'unbalanced'}`);
  const { delivered, received } = report.sources.s!.ledger;
  check(delivered === received, `${delivered} of ${received} delivered`);
  check(report.stages.p!.parameters!.at(-1)!.epoch === updates, `${updates} updates, and the stage is at another epoch`);
  return {
    row,
    measured: { name: `${type}, an update every ${EVERY_MS} ms`, unit: 'frames/s', values: withUpdates },
    reference: { name: `${type}, none`, unit: 'frames/s', values: without },
    ratios: withUpdates.map((value, i) => value / without[i]!),
    ratio: 'of the rate without updates',
    bar: 0.8,
    notes: [
      `${updates} updates, no frame lost of ${received}`,
      `update(): p50 ${quantile(tookMs, 0.5).toFixed(1)} ms, p99 ${quantile(tookMs, 0.99).toFixed(1)} ms`,
      `longest gap between results, looked at every ${LOOK_MS} ms: ${gaps[1].toFixed(1)} ms with updates, ${gaps[0].toFixed(1)} ms without`,
    ],
  };
}

/** What it costs the frames that the parameters of an operator change all the time: frames of one megapixel, one worker. */
export const updateCost: Bench = {
  name: 'update-cost',
  async run({ repeats }) {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
    try {
      return [
        await rowOf('update-cost-threshold', 'threshold', [{ above: 100 }, { above: 200 }], repeats),
        await rowOf('update-cost-mask', 'mask', [{ file: maskFile(directory, 7) }, { file: maskFile(directory, 11) }], repeats),
      ];
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
};
