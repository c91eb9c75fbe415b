import { type Bench, isSlow } from '../support/bench.js';
import { StageRig } from '../support/stage-rig.js';

const FRAME_BYTES = 65536;
const SLOTS = 64;
const ROW = 'stage-cost';
const ALLOWED_US = 5;

/** Processor time of the worker's thread for each 64 KiB frame, less that of the same operator in a bare loop in the same thread. */
export const stageCost: Bench = {
  name: 'stage-cost',
  async run({ repeats, scale }) {
    const frames = Math.ceil(10_000 * scale);
    const rig = new StageRig({ operator: 'sum', frameBytes: FRAME_BYTES, slots: SLOTS });
    const cost: number[] = [];
    const bare: number[] = [];
    try {
      for (let repetition = -2; repetition < repeats; repetition++) {
        const loop = await rig.run('bare', frames);
        const stage = await rig.run('stage', frames, isSlow(ROW));
        if (repetition < 0) continue;
        bare.push(loop.cpuUs / frames);
        cost.push((stage.cpuUs - loop.cpuUs) / frames);
      }
    } finally {
      await rig.close();
    }
    return [
      {
        row: ROW,
        measured: { name: 'cost of the stage a frame, CPU', unit: 'us', values: cost },
        reference: { name: 'operator in a bare loop a frame, CPU', unit: 'us', values: bare },
        ratios: cost.map((us) => ALLOWED_US / Math.max(us, 0.1)),
        ratio: `${ALLOWED_US} us to the cost`,
        bar: 1,
      },
    ];
  },
};
