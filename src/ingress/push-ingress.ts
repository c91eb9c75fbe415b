import type { MessagePort } from 'node:worker_threads';
import { MillraceError } from '../errors/errors.js';
import { DTYPES, type DType, MAX_DIMENSIONS } from '../frame/dtype.js';
import type { FrameHeader } from '../frame/frame.js';
import type { FrameWriter, Ingress, IngressDefinition } from './ingress.js';

/** Messages from the embedding program. Each frame gets one answer, in order; a frame after the end gets none. */
export type PushMessage = { readonly header: FrameHeader; readonly bytes: Uint8Array } | 'end';

/** The frame is in its slot, or was refused and counted as dead. */
export type PushAnswer = 'taken' | { readonly refused: string };

/**
 * Takes frames from the embedding program, over a message port. Ends when the program calls `end()`, or at the drain.
 */
class PushIngress implements Ingress {
  readonly #port: MessagePort;
  readonly #name: string;

  constructor(port: MessagePort, name: string) {
    this.#port = port;
    this.#name = name;
  }

  async open(): Promise<void> {}

  run(out: FrameWriter, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let last: Promise<unknown> = Promise.resolve();
      let over = false;
      const end = (): void => {
        over = true;
        resolve();
      };
      const take = async (message: PushMessage): Promise<void> => {
        if (over) return; // No later node would take it: the edges may be closed.
        if (message === 'end') return end();
        const refused = this.#refusal(message.header, out);
        if (refused === undefined && !(await out.write(message.header, message.bytes))) return;
        this.#port.postMessage((refused === undefined ? 'taken' : { refused }) satisfies PushAnswer);
      };
      this.#port.on('message', (message: PushMessage) => {
        last = last.then(() => take(message)).catch(reject);
      });
      signal.addEventListener('abort', () => void last.then(end), { once: true });
    });
  }

  async close(): Promise<void> {
    this.#port.close();
  }

  /** Why a frame does not fit into a slot, if so; it is then counted. */
  #refusal(header: FrameHeader, out: FrameWriter): string | undefined {
    try {
      out.fits?.(header);
      return undefined;
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'ERR_MESSAGE_TOO_LARGE')) throw error;
      out.refuse('too-large', error.message);
      return `source '${this.#name}': ${error.message}`;
    }
  }
}

interface PushOptions {
  readonly shape?: readonly number[];
  readonly dtype?: DType;
}

export const pushIngress: IngressDefinition<PushOptions> = {
  type: 'push',
  address: false,
  description: 'Takes the frames that the embedding program pushes (library only).',
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
      ERR_MESSAGE_TOO_LARGE: 'a frame is larger than `maxFrame`; the push rejects',
    },
  },
  options: {
    type: 'object',
    properties: {
      shape: {
        type: 'array',
        items: { type: 'integer', minimum: 0 },
        minItems: 1,
        maxItems: MAX_DIMENSIONS,
        description: 'shape of all frames; some operators need it',
      },
      dtype: { enum: [...DTYPES], description: 'dtype of all frames; some operators need it' },
    },
    additionalProperties: false,
  },
  usesCodec: false,
  plan: ({ shape, dtype }) => ({ ...(shape ? { shape } : {}), ...(dtype ? { dtype } : {}) }),
  create(_options, { name, port }) {
    if (!port) throw new MillraceError('ERR_CONFIG_INVALID', `source '${name}': only a program that embeds the pipeline can push frames`);
    return new PushIngress(port, name);
  },
};
