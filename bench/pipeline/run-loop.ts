import { Piscina } from 'piscina';
import { type Bench, isSlow } from '../support/bench.js';
import { operatorPath, runPipeline } from '../support/run-pipeline.js';

const BYTES = 65_536;

/** Frames of 64 KiB through a one-worker stage, against one `piscina.run` a frame over the same shared memory. */
export const runLoop: Bench = {
  name: 'run-loop',
  async run({ repeats, scale }) {
    const frames = Math.ceil(20_000 * scale);
    const pool = new Piscina({
      filename: new URL('../support/piscina-task.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: 1,
      recordTiming: false,
    });
    const memory = new SharedArrayBuffer(64 * BYTES);
    const engine = async (): Promise<number> => {
      const { report } = await runPipeline({
        sources: { s: { type: 'sim', pattern: 'noise', pool: 1, shape: [64, 1024], dtype: 'uint8', frames } },
        stages: { p: { from: 's', capacity: 64, operators: [{ type: operatorPath('touch'), times: isSlow('run-loop') ? 2 : 1 }] } },
        sinks: { x: { type: 'null', from: 'p' } },
      });
      return report.throughput.framesPerS;
    };
    const tasks = async (): Promise<number> => {
      const from = performance.now();
      const count = Math.ceil(frames / 4);
      for (let n = 0; n < count; ) {
        const batch: Promise<unknown>[] = [];
        for (let i = 0; i < 64 && n < count; i++, n++)
          batch.push(pool.run({ memory, offset: i * BYTES, bytes: BYTES }) as Promise<unknown>);
        await Promise.all(batch);
      }
      return count / ((performance.now() - from) / 1e3);
    };
    const ours: number[] = [];
    const theirs: number[] = [];
    try {
      await tasks();
      for (let i = 0; i < repeats; i++) {
        ours.push(await engine());
        theirs.push(await tasks());
      }
    } finally {
      await pool.destroy();
    }
    return [
      {
        row: 'run-loop',
        measured: { name: 'run loop, source and sink included', unit: 'frames/s', values: ours },
        reference: { name: 'one piscina.run a frame', unit: 'frames/s', values: theirs },
        ratios: ours.map((value, i) => value / theirs[i]!),
        ratio: 'times as many frames',
        bar: 5,
      },
    ];
  },
};
