/** A node that `millrace init` can put into a first pipeline. */
export interface FirstPart {
  readonly description: string;
  /** The lines below the name of the node, without their indent. */
  readonly lines: readonly string[];
}

export const FIRST_SOURCES: Readonly<Record<string, FirstPart>> = {
  sim: {
    description: 'a simulated detector: no hardware needed',
    lines: ['type: sim', 'pattern: spots', 'shape: [256, 256]', 'frames: 200 # remove this line to run until you stop it'],
  },
  file: {
    description: 'frames from files: HDF5, NPY, TIFF, CBF, EDF',
    lines: ['type: file', 'path: "frames/*.npy" # your files; * and ** work'],
  },
  zmq: {
    description: 'frames from a ZeroMQ socket',
    lines: [
      'type: zmq',
      'socket: pull',
      'connect: "tcp://127.0.0.1:9999" # the address of your detector',
      'maxFrame: 8MiB # the largest frame of your detector',
    ],
  },
};

export const FIRST_OPERATORS: Readonly<Record<string, FirstPart>> = {
  threshold: { description: 'sets small values to 0', lines: ['{ type: threshold, below: 5 }'] },
  rebin: { description: 'sums blocks of pixels', lines: ['{ type: rebin, factor: 2 }'] },
  accumulate: { description: 'mean and variance of every 10 frames', lines: ['{ type: accumulate, frames: 10 }'] },
  veto: {
    description: 'keeps the frames with many bright pixels',
    lines: ['{ type: veto, statistic: count, level: 20, min: 10 }'],
  },
  'roi-stats': {
    description: 'statistics of regions of a frame',
    lines: ['{ type: roi-stats, rois: { corner: { y: [0, 16], x: [0, 16] } } }'],
  },
  none: { description: 'passes the frames on', lines: [] },
};

export const FIRST_SINKS: Readonly<Record<string, FirstPart>> = {
  file: { description: 'one NPY file for each result', lines: ['type: file', 'path: "results/frame-{ordinal:06}.npy"'] },
  print: { description: 'one line for each result', lines: ['type: print'] },
  zmq: {
    description: 'a ZeroMQ socket (publish)',
    lines: ['type: zmq', 'socket: pub', 'bind: "tcp://127.0.0.1:5556"'],
  },
  null: { description: 'discards the frames: to measure speed', lines: ['type: "null"'] },
};

/** The text of a pipeline with one source, one stage and one sink. */
export function firstPipeline(source: string, operator: string, sink: string): string {
  const indented = (lines: readonly string[]): string => lines.map((line) => `    ${line}\n`).join('');
  // Only `zmq` does not know the shape of its frames in advance.
  const shape = source === 'zmq' ? ', shape: [1024, 1024] }' : ' }';
  const operators = FIRST_OPERATORS[operator]!.lines.map((line) => (operator === 'accumulate' ? line.replace(/ }$/, shape) : line));
  return `# A Millrace pipeline. Keys: docs/reference/pipeline.md; types and their options: millrace list
version: 1
name: first

sources:
  detector:
${indented(FIRST_SOURCES[source]!.lines)}
stages:
  reduce:
    from: detector
    workers: 1
${operators.length === 0 ? '    operators: []\n' : `    operators:\n${operators.map((line) => `      - ${line}\n`).join('')}`}
sinks:
  result:
    from: reduce
${indented(FIRST_SINKS[sink]!.lines)}`;
}
