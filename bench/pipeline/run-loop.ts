import { Piscina } from 'piscina';
import { type Bench, isSlow } from '../support/bench.js';
import { StageRig } from '../support/stage-rig.js';

const FRAME_BYTES = 65536;
const SLOTS = 64;
const ROW = 'run-loop';

/** Frames of 64 KiB that stand in shared memory: through the run loop of a one-worker stage, and by one `piscina.run` each. */
export const runLoop: Bench = {
  name: 'run-loop',
  async run({ repeats, scale }) {
    const frames = Math.ceil(300_000 * scale);
    const tasks = Math.ceil(frames / 20);
    const rig = new StageRig({ operator: 'touch', frameBytes: FRAME_BYTES, slots: SLOTS });
    const filename = new URL('../support/piscina-task.js', import.meta.url).href;
    const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1, recordTiming: false });
    const memory = new SharedArrayBuffer(SLOTS * FRAME_BYTES);
    const runTasks = async (): Promise<number> => {
      const from = performance.now();
      for (let n = 0; n < tasks; ) {
        const batch: Promise<unknown>[] = [];
        for (let slot = 0; slot < SLOTS && n < tasks; slot++, n++)
          batch.push(pool.run({ memory, offset: slot * FRAME_BYTES }) as Promise<unknown>);
        await Promise.all(batch);
      }
      return tasks / ((performance.now() - from) / 1e3);
    };
    const ours: number[] = [];
    const theirs: number[] = [];
    try {
      for (let repetition = -2; repetition < repeats; repetition++) {
        const { seconds } = await rig.run('stage', frames, isSlow(ROW));
        const reference = await runTasks();
        if (repetition < 0) continue;
        ours.push(frames / seconds);
        theirs.push(reference);
      }
    } finally {
      await Promise.all([rig.close(), pool.destroy()]);
    }
    return [
      {
        row: ROW,
        measured: { name: 'run loop', unit: 'frames/s', values: ours },
        reference: { name: 'one piscina.run a frame', unit: 'frames/s', values: theirs },
        ratios: ours.map((value, i) => value / theirs[i]!),
        ratio: 'times as many frames',
        bar: 5,
      },
    ];
  },
};
