import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type OperatorOptions, pipeline } from '../../src/run/builder.js';
import { type Bench, type BenchRow, check, isSlow, isWanted } from '../support/bench.js';
import { drawFrame, integration, PARAMETERS, PIXELS, SEEDS } from '../support/integrate-frame.js';
import { operatorPath } from '../support/run-pipeline.js';
import { median } from '../support/statistics.js';
import { ThreadRoles } from '../support/thread-roles.js';
import type { PeerReady, PeerResult } from '../support/zmq-peer.js';

const ROW = 'zmq-integrate-zmq';

async function answer<T>(child: ChildProcess): Promise<T> {
  const gone = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the peer ended with ${code}`)));
  const [message] = (await Promise.race([once(child, 'message'), gone])) as [T];
  return message;
}

interface Run {
  readonly framesPerS: number;
  readonly profiles: readonly number[][];
  /** Microseconds a frame by thread. */
  readonly cpuUs: ReadonlyMap<string, number>;
}

async function runPipeline(driver: 'zmtp' | 'libzmq', frames: number, extraMs: number): Promise<Run> {
  const peer = fork(new URL('../support/zmq-peer.js', import.meta.url));
  const { frames: from, profiles: to } = await answer<PeerReady>(peer);
  const roles = new ThreadRoles();
  await roles.prepare();
  const delay: readonly OperatorOptions[] = extraMs > 0 ? [{ type: operatorPath('spin'), ms: extraMs }] : [];
  const running = pipeline(ROW)
    .source('in', { type: 'zmq', driver, socket: 'pull', connect: from, maxFrame: 2 * PIXELS, highWaterMark: 4 })
    .stage('integrate', {
      from: 'in',
      capacity: 8,
      operators: [...delay, { type: 'integrate-azimuthal', ...PARAMETERS }],
    })
    .sink('out', { type: 'zmq', driver, socket: 'push', connect: to, from: 'integrate' })
    .build();
  await running.start();
  roles.assign(['worker', 'sink', 'source']);
  try {
    const before = roles.cpuUs();
    peer.send(frames);
    const { seconds, profiles } = await answer<PeerResult>(peer);
    const cpuUs = new Map([...roles.cpuUs()].map(([role, us]) => [role, (us - before.get(role)!) / frames]));
    const report = await running.stop();
    check(
      report.balanced && report.sources.in!.ledger.delivered === frames,
      `${report.sources.in!.ledger.delivered} of ${frames} delivered`,
    );
    return { framesPerS: (frames - 1) / seconds, profiles, cpuUs };
  } finally {
    peer.disconnect();
    await running.stop({ drain: false });
  }
}

interface Series {
  readonly ours: number[];
  readonly cpu: Map<string, number[]>;
}

const DRIVERS = { zmtp: ROW, libzmq: `${ROW}-libzmq` } as const;

function rowOf(driver: keyof typeof DRIVERS, { ours, cpu }: Series, alone: readonly number[]): BenchRow {
  const shares = [...cpu].map(([role, ms]) => `${role} ${median(ms).toFixed(2)}`).join(', ');
  return {
    row: DRIVERS[driver],
    measured: { name: `pipeline, driver ${driver}`, unit: 'frames/s', values: ours },
    reference: { name: 'operator in a bare loop', unit: 'frames/s', values: alone },
    ratios: ours.map((value, i) => value / alone[i]!),
    ratio: 'frames a second',
    notes: shares ? [`CPU by thread, ms a frame: ${shares}`] : [],
  };
}

/** 2048×2048 uint16 frames over ZeroMQ into one worker that integrates them and out again, by either driver, against the operator alone in a bare loop. */
export const zmqIntegrateZmq: Bench = {
  name: 'zmq-integrate-zmq',
  async run(options) {
    const { repeats, scale } = options;
    const drivers = (['zmtp', 'libzmq'] as const).filter((driver) => isWanted(options, DRIVERS[driver]));
    const frames = Math.ceil(40 * scale);
    const bare = await integration(SEEDS.map(drawFrame));
    const alone: number[] = [];
    const found = { zmtp: { ours: [], cpu: new Map() }, libzmq: { ours: [], cpu: new Map() } } satisfies Record<string, Series>;
    for (let repetition = 0; repetition < repeats; repetition++) {
      for (let i = 0; i < 3; i++) bare.process(i);
      const startMs = performance.now();
      for (let i = 0; i < frames; i++) bare.process(i);
      const aloneMs = performance.now() - startMs;
      alone.push(frames / (aloneMs / 1e3));
      for (const driver of drivers) {
        const { ours, cpu }: Series = found[driver];
        const run = await runPipeline(driver, frames, isSlow(DRIVERS[driver]) ? aloneMs / frames : 0);
        ours.push(run.framesPerS);
        for (const [role, us] of run.cpuUs) cpu.set(role, [...(cpu.get(role) ?? []), us / 1e3]);
        for (const [i, profile] of run.profiles.entries()) {
          const expected = bare.process(i);
          check(
            profile.every((value, k) => Object.is(value, expected[k])),
            `the profile of frame ${i} is not that of the bare operator`,
          );
        }
      }
    }
    return drivers.map((driver) => rowOf(driver, found[driver], alone));
  },
};
