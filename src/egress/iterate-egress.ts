import type { MessagePort } from 'node:worker_threads';
import { MillraceError } from '../errors/errors.js';
import type { DType } from '../frame/dtype.js';
import type { Frame, Meta } from '../frame/frame.js';
import type { Delivery, Egress, EgressDefinition } from './egress.js';

/** A frame for the embedding program: a copy of its own. */
export interface ReceivedFrame {
  readonly source: string;
  readonly ordinal: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly meta: Meta;
  /**
   * Hash of the parameters that made it: 16 hexadecimal digits that the report resolves; empty for a frame as received.
   */
  readonly parameters: string;
}

/** The program's answer to a batch: it took all frames, or it stopped reading after the first `left` of them. */
export type IterateAnswer = 'taken' | { readonly left: number };

/**
 * Passes frames to the embedding program over a message port. A write resolves when the program has taken all its
 * frames.
 */
class IterateEgress implements Egress {
  readonly #port: MessagePort;
  #left = false;
  /** Number of frames of the last batch that the program took before it stopped. */
  #taken = 0;
  #answered: (() => void) | undefined;
  #aborted: ((error: Error) => void) | undefined;

  constructor(port: MessagePort, signal: AbortSignal) {
    this.#port = port;
    port.on('message', (answer: IterateAnswer) => {
      if (answer !== 'taken') {
        this.#left = true;
        this.#taken = answer.left;
      }
      this.#answered?.();
    });
    signal.addEventListener('abort', () => this.#aborted?.(new MillraceError('ERR_SINK', 'aborted before the program took the frames')), {
      once: true,
    });
  }

  async open(): Promise<void> {}

  async write(frames: readonly Frame[]): Promise<Delivery | undefined> {
    let taken = 0;
    if (!this.#left) {
      const answer = new Promise<void>((resolve, reject) => {
        this.#answered = resolve;
        this.#aborted = reject;
      });
      const batch = frames.map((frame) => copyOf(frame));
      this.#port.postMessage(
        batch,
        batch.map((frame) => frame.bytes.buffer),
      );
      await answer;
      if (!this.#left) return undefined;
      taken = this.#taken;
    }
    const refused = [];
    for (let index = taken; index < frames.length; index++)
      refused.push({ index, reason: 'sink-refused' as const, detail: 'the program no longer reads the sink' });
    return { refused };
  }

  async close(): Promise<void> {
    this.#port.close();
  }
}

function copyOf({ source, ordinal, sequence, timestamp, shape, dtype, bytes, meta, parameters }: Frame): ReceivedFrame {
  return { source, ordinal, sequence, timestamp, shape: [...shape], dtype, bytes: new Uint8Array(bytes), meta, parameters };
}

export const iterateEgress: EgressDefinition<Record<string, never>> = {
  type: 'iterate',
  address: false,
  description: 'Gives the frames to the embedding program, which reads them with `for await` (library only).',
  docs: {
    language: 'js',
    example: `import { pipeline } from 'millrace';

const run = pipeline('embedded')
  .source('camera', { type: 'push', maxFrame: '1MiB' })
  .stage('reduce', { from: 'camera', operators: [{ type: 'rebin', factor: 4 }] })
  .sink('result', { type: 'iterate', from: 'reduce' })
  .build();
await run.start();
const camera = run.source('camera');
void camera.push({ data: new Uint16Array(64 * 64).fill(1), shape: [64, 64] });
camera.end();
for await (const frame of run.sink('result')) console.log(frame.shape, frame.data[0]);
await run.closed;`,
    errors: {
      ERR_CONFIG_INVALID: 'no program embeds the pipeline, for example under `millrace run`',
      ERR_SINK: 'the run is aborted before the program took all frames',
    },
  },
  options: { type: 'object', properties: {}, additionalProperties: false },
  usesCodec: false,
  batch: 16,
  create(_options, { name, port, signal }) {
    if (!port)
      throw new MillraceError('ERR_CONFIG_INVALID', `sink '${name}': only a program that embeds the pipeline can iterate over a sink`);
    return new IterateEgress(port, signal);
  },
};
