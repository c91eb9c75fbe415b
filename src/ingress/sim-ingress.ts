import { setImmediate } from 'node:timers/promises';
import type { FrameHeader } from '../frame/frame.js';
import type { FrameWriter, Ingress, IngressDefinition } from './ingress.js';
import { CounterPattern } from './sim/counter.js';
import { noisePattern } from './sim/noise.js';
import { SIM_SCHEMA, type SimOptions, type Simulation, simulation } from './sim/options.js';
import { type Pattern, Pool } from './sim/pattern.js';
import { powderPattern } from './sim/powder.js';
import { Schedule } from './sim/schedule.js';
import { SpotsPattern } from './sim/spots.js';

export { simulatedMask, simulatedPoni, writeSimGeometry } from './sim/simulated-files.js';

/** The event loop of the thread gets a turn at least this often: it delivers messages and the signal to stop. */
const TURN_MS = 20;

/** A simulated detector: needs no hardware; the seed and the number of a frame determine it. */
export const simIngress: IngressDefinition<SimOptions> = {
  type: 'sim',
  description: 'Simulates a detector: CeO2 powder rings, moving spots, noise, or frames with a checksum.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 10 }
sinks:
  result: { type: print, from: detector }`,
    errors: {
      ERR_CONFIG_INVALID: 'the frames are too large for the pool, or too small for the pattern `counter`',
    },
  },
  options: SIM_SCHEMA,
  usesCodec: false,
  restarts: true,
  plan(options) {
    const { height, width, dtype, frameBytes } = simulation(options);
    return { shape: [height, width], dtype, maxFrameBytes: frameBytes };
  },
  create: (options, { resumeAt = 0 }) => new SimIngress(simulation(options), resumeAt),
};

function patternOf(sim: Simulation): Pattern {
  switch (sim.pattern) {
    case 'counter':
      return new CounterPattern(sim);
    case 'spots':
      return new SpotsPattern(sim);
    case 'noise':
      return new Pool(noisePattern(sim), sim.pool);
    case 'powder':
      return new Pool(powderPattern(sim), sim.pool);
  }
}

class SimIngress implements Ingress {
  readonly #simulation: Simulation;
  readonly #resumeAt: number;
  #pattern: Pattern | undefined;

  constructor(sim: Simulation, resumeAt: number) {
    this.#simulation = sim;
    this.#resumeAt = resumeAt;
  }

  async open(): Promise<void> {
    this.#pattern = patternOf(this.#simulation);
  }

  async run(out: FrameWriter, signal: AbortSignal): Promise<void> {
    const { dtype, frames, height, rate, series, width } = this.#simulation;
    this.#pattern ??= patternOf(this.#simulation);
    const pattern = this.#pattern;
    // One header for all frames: there is one claim at a time, and the header is copied to the slot at commit.
    const header = { dtype, shape: [height, width], sequence: 0, timestamp: 0 } satisfies FrameHeader;
    let turnAtMs = performance.now() + TURN_MS;
    let started = 0;
    const schedule = rate === undefined ? undefined : new Schedule(rate, performance.now());
    for (let number = this.#resumeAt; number < frames && !signal.aborted; ) {
      const nowMs = performance.now();
      if (nowMs >= turnAtMs) {
        await setImmediate();
        turnAtMs = performance.now() + TURN_MS;
        continue;
      }
      const due = schedule?.wait(number - this.#resumeAt, signal);
      if (due) {
        await due;
        continue;
      }
      if (series !== undefined && number % series === 0 && started * series === number) {
        started++;
        if (!(await out.startSeries({ kind: 'series-start', series: started, expected: Math.min(series, frames - number) }))) return;
        continue;
      }
      header.sequence = series === undefined ? number : number % series;
      header.timestamp = (performance.timeOrigin + nowMs) / 1000;
      const slot = out.claim(header);
      if (!slot) {
        await out.ready();
        continue;
      }
      pattern.fill(number, slot.bytes);
      const full = slot.commit();
      number++;
      if (full) await full;
      if (series !== undefined && number % series === 0 && !(await out.endSeries({ kind: 'series-end', series: started }))) return;
    }
  }

  async close(): Promise<void> {
    this.#pattern = undefined;
  }
}
