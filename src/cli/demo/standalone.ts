import { stringify } from 'yaml';
import type { DemoJob } from './job.js';

const FRAMES = 500;

interface Nodes {
  readonly sources: Readonly<Record<string, object>>;
  readonly sinks: Readonly<Record<string, object>>;
}

/**
 * The pipeline of the demo as a file that runs by itself: the sockets, whose other ends are gone with the demo, are replaced
 * by the simulated detector and by a file.
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
    ? '# In the demo the frames come over a ZeroMQ socket: detector: { type: zmq, socket: pull, connect: "tcp://HOST:PORT" }\n'
    : '';
  const sink =
    '# In the demo the results go over a ZeroMQ socket: live: { type: zmq, from: reduce, socket: push, connect: "tcp://HOST:PORT" }\n';
  return `# Runs by itself: millrace run pipeline.yaml\n${source}${sink}${text}`;
}
