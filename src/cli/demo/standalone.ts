import { stringify } from 'yaml';
import type { DemoJob } from './job.js';

const FRAMES = 500;

interface Nodes {
  readonly sources: Readonly<Record<string, object>>;
  readonly sinks: Readonly<Record<string, object>>;
}

/**
 * The pipeline of the demo as a file that runs on its own: the simulated detector and a file replace the sockets,
 * because their peers end with the demo.
 */
export function standalone({ pipeline, sender }: DemoJob): string {
  const { sources, sinks } = pipeline as unknown as Nodes;
  const sim = (sender as unknown as Nodes | undefined)?.sources.sim;
  const text = stringify(
    {
      ...pipeline,
      sources: sim ? { detector: { frames: FRAMES, ...sim } } : sources,
      sinks: { ...sinks, live: { type: 'file', from: 'reduce', path: 'results-{run}.npy' } },
    },
    { aliasDuplicateObjects: false },
  );
  const source = sim
    ? '# In the demo the frames arrive over a ZeroMQ socket: detector: { type: zmq, socket: pull, connect: "tcp://HOST:PORT" }\n'
    : '';
  const sink =
    '# In the demo the results leave over a ZeroMQ socket: live: { type: zmq, from: reduce, socket: push, connect: "tcp://HOST:PORT" }\n';
  return `# Run it with: millrace run pipeline.yaml\n${source}${sink}${text}`;
}
