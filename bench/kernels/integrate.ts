import { Bench as Tinybench } from 'tinybench';
import { instantiateIntegrateAzimuthal } from '../../src/kernels/load-integrate-azimuthal.js';
import {
  createIntegrateAzimuthal,
  type IntegrateAzimuthalKernel,
  NO_LOWER_LIMIT,
  NO_UPPER_LIMIT,
} from '../../src/kernels/scalar/integrate-azimuthal.js';
import { type Bench, check, isSlow } from '../support/bench.js';
import { BINS, drawFrame, integration, PIXELS, UINT16 } from '../support/integrate-frame.js';
import { median } from '../support/statistics.js';

const ROW = 'integrate-kernel';
const CALLS = 5;

/** The WebAssembly kernel against its scalar twin, on one thread: 2048×2048 uint16, same bytes out. */
export const integrateKernel: Bench = {
  name: 'integrate-kernel',
  async run({ repeats }) {
    const { memory, addresses, constants, scratch } = await integration([drawFrame(1)]);
    const wasm = instantiateIntegrateAzimuthal(memory);
    check(wasm !== undefined, 'there is no WebAssembly kernel here');
    const scalar = createIntegrateAzimuthal(memory);
    const { binTable, norm } = constants;
    const sums = new Float64Array(memory.buffer, scratch, BINS * 4);
    const call = (kernel: IntegrateAzimuthalKernel): void =>
      kernel(UINT16, addresses[0]!, PIXELS, binTable!.address, BINS, norm!.address, 0, NO_LOWER_LIMIT, NO_UPPER_LIMIT, scratch);
    call(scalar);
    const expected = sums.slice();
    call(wasm);
    check(expected.some((value) => value > 0) && sums.every((value, i) => value === expected[i]), 'the kernel and its twin do not agree');
    const slow = isSlow(ROW);
    const perFrameMs: Record<'wasm' | 'scalar', number[]> = { wasm: [], scalar: [] };
    for (let repetition = 0; repetition < repeats; repetition++) {
      const bench = new Tinybench({ time: 0, iterations: CALLS, warmupTime: 0, warmupIterations: 1, retainSamples: true });
      bench.add('wasm', () => {
        call(wasm);
        if (slow) call(wasm);
      });
      bench.add('scalar', () => call(scalar));
      bench.runSync();
      for (const { name, result } of bench.tasks) {
        if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
        perFrameMs[name as 'wasm' | 'scalar'].push(median(result.latency.samples ?? []));
      }
    }
    const ratios = perFrameMs.scalar.map((ms, i) => ms / perFrameMs.wasm[i]!);
    return [
      {
        row: ROW,
        measured: { name: 'WebAssembly', unit: 'ms', values: perFrameMs.wasm },
        reference: { name: 'scalar twin', unit: 'ms', values: perFrameMs.scalar },
        ratios,
        ratio: 'times as fast as the twin',
      },
    ];
  },
};
