import { availableParallelism } from 'node:os';
import { basename, resolve } from 'node:path';
import { MillraceError } from '../../errors/errors.js';
import { byteLength } from '../../frame/dtype.js';
import { fileIngress } from '../../ingress/file-ingress.js';
import { ceriaLines } from '../../ingress/sim/ceria.js';
import { writeSimGeometry } from '../../ingress/sim-ingress.js';
import { loadImageEncoder } from '../../transports/sharp.js';
import type { Output } from '../output.js';

/** The pipelines of the demo, as a pipeline file would describe them, relative to the output folder. */
export interface DemoJob {
  readonly title: string;
  readonly pipeline: Readonly<Record<string, unknown>>;
  /** The simulated detector, a pipeline of its own. */
  readonly sender?: Readonly<Record<string, unknown>>;
  readonly marks: readonly { readonly x: number; readonly label: string }[];
}

export interface JobOptions {
  readonly out: string;
  /** Where the results go: a bound ZeroMQ PULL socket. */
  readonly results: string;
  /** Where the detector sends; only for the simulation. */
  readonly frames: string;
  readonly frameCount: number | undefined;
  readonly input: string | undefined;
  readonly geometry: string | undefined;
  readonly output: Output;
}

const SHAPE = [1024, 1024] as const;
const SEED = 1;
const POLARIZATION = 0.99;
/** One frame in this many becomes an image: encoding takes longer than reducing. */
const IMAGE_EVERY = 25;
const QUEUE = 8;

/** The simulated detector over a ZeroMQ socket, or the frames of a file. */
export function planJob(options: JobOptions): Promise<DemoJob> {
  return options.input === undefined ? simulated(options) : fromFile(options, options.input);
}

async function simulated(options: JobOptions): Promise<DemoJob> {
  const simulation = { shape: SHAPE, dtype: 'uint16', seed: SEED, pattern: 'powder' } as const;
  await writeSimGeometry(options.out, simulation);
  const limit = options.frameCount === undefined ? {} : { frames: options.frameCount };
  const mask = { type: 'mask', file: 'mask.npy' };
  return {
    title: `CeO2 powder, simulated detector ${SHAPE[0]} x ${SHAPE[1]} uint16`,
    pipeline: {
      version: 1,
      name: 'demo',
      sources: {
        detector: {
          type: 'zmq',
          socket: 'pull',
          connect: options.frames,
          highWaterMark: QUEUE,
          ...frameSize(byteLength('uint16', SHAPE)),
          ...limit,
        },
      },
      ...(await reduction(options, [mask, integrate('detector.poni')], SHAPE, [mask])),
    },
    sender: {
      version: 1,
      name: 'detector',
      sources: { sim: { type: 'sim', ...simulation, ...limit } },
      sinks: { socket: { type: 'zmq', from: 'sim', socket: 'push', bind: options.frames, highWaterMark: QUEUE, capacity: QUEUE } },
    },
    marks: ringMarks(),
  };
}

/** The rings that fall entirely on the detector; lines of equal spacing share one mark. */
function ringMarks(): DemoJob['marks'] {
  const lines = ceriaLines(1);
  return lines.filter(({ d }, index) => d !== lines[index - 1]?.d).map(({ d, hkl }) => ({ x: (2 * Math.PI) / d, label: hkl.join('') }));
}

async function fromFile(options: JobOptions, input: string): Promise<DemoJob> {
  const path = resolve(input);
  const { shape, dtype, maxFrameBytes } = await fileIngress.plan!({ path }, { baseDir: '.' });
  if (shape?.length !== 2 || !dtype || maxFrameBytes === undefined)
    throw new MillraceError('ERR_USAGE', `${input}: the demo needs images, not frames of shape [${shape?.join(', ') ?? ''}]`);
  // The values that detectors write for pixels without data: negative, or the largest value of the dtype.
  const above = { uint8: 254, uint16: 65534, uint32: 2 ** 32 - 2 }[dtype as string];
  const mask = { type: 'mask', below: 0, ...(above === undefined ? {} : { above }) };
  const whole = { type: 'roi-stats', rois: { frame: { y: [0, shape[0]], x: [0, shape[1]] } } };
  const operators = options.geometry === undefined ? [mask, whole] : [mask, integrate(resolve(options.geometry))];
  return {
    title: basename(input),
    pipeline: {
      version: 1,
      name: 'demo',
      sources: { detector: { type: 'file', path, ...frameSize(maxFrameBytes) } },
      ...(await reduction(options, operators, shape, [mask])),
    },
    marks: [],
  };
}

const frameSize = (bytes: number) => ({ maxFrame: bytes });
const integrate = (geometry: string) => ({ type: 'integrate-azimuthal', geometry, bins: 1000, unit: 'q_A^-1', polarization: POLARIZATION });

/**
 * Stages and sinks: the reduction goes to the socket of the results and, where an encoder exists, every 25th frame to
 * an image.
 */
async function reduction(options: JobOptions, operators: readonly object[], shape: readonly number[], beforeImage: readonly object[]) {
  // Leaves one core for the main thread with the sender, and one for the sockets.
  const workers = Math.max(1, Math.min(4, availableParallelism() - 2));
  const reduce = { from: 'detector', workers, capacity: QUEUE, operators };
  const live = { type: 'zmq', from: 'reduce', socket: 'push', connect: options.results };
  if (!(await canEncode(options.output))) return { stages: { reduce }, sinks: { live } };
  const sample = { type: 'veto', roi: { y: [0, 1], x: [0, Math.min(1, shape[1]!)] }, min: -1e300, action: 'drop', every: IMAGE_EVERY };
  return {
    stages: { reduce, sample: { from: 'detector', capacity: QUEUE, operators: [sample, ...beforeImage] } },
    sinks: { live, image: { type: 'image', from: 'sample', path: 'frame.png', scale: 'log' } },
  };
}

async function canEncode(output: Output): Promise<boolean> {
  try {
    await loadImageEncoder();
    return true;
  } catch (thrown) {
    if (!(thrown instanceof MillraceError) || thrown.code !== 'ERR_OPTIONAL_MISSING') throw thrown;
    output.err(
      'frame.png is not written: the optional package sharp is not installed or does not load on this machine (npm install sharp)',
    );
    return false;
  }
}
