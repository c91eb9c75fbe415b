import type { MessagePort } from 'node:worker_threads';
import { MillraceError } from '../errors/errors.js';
import { DTYPES, type DType, MAX_DIMENSIONS } from '../frame/dtype.js';
import type { FrameHeader } from '../frame/frame.js';
import type { FrameWriter, Ingress, IngressDefinition } from './ingress.js';

/** What the embedding program sends; answered by `'taken'` once the frame is in its slot (or was refused and counted). */
export type PushMessage = { readonly header: FrameHeader; readonly bytes: Uint8Array } | 'end';

/** Frames from the embedding program, over a message port. Ends when the program calls `end()`, or at the drain. */
class PushIngress implements Ingress {
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    this.#port = port;
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
        if (over) return; // nobody behind would take it: the edges may be closed
        if (message === 'end') return end();
        if (!(await out.write(message.header, message.bytes))) return;
        this.#port.postMessage('taken');
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
}

interface PushOptions {
  readonly shape?: readonly number[];
  readonly dtype?: DType;
}

export const pushIngress: IngressDefinition<PushOptions> = {
  type: 'push',
  description: 'frames that the embedding program pushes (library only)',
  options: {
    type: 'object',
    properties: {
      shape: {
        type: 'array',
        items: { type: 'integer', minimum: 0 },
        minItems: 1,
        maxItems: MAX_DIMENSIONS,
        description: 'shape of all frames, for operators that must know it',
      },
      dtype: { enum: [...DTYPES], description: 'dtype of all frames, for operators that must know it' },
    },
    additionalProperties: false,
  },
  usesCodec: false,
  plan: ({ shape, dtype }) => ({ ...(shape ? { shape } : {}), ...(dtype ? { dtype } : {}) }),
  create(_options, { name, port }) {
    if (!port) throw new MillraceError('ERR_CONFIG_INVALID', `source '${name}': only a program that embeds the pipeline can push`);
    return new PushIngress(port);
  },
};
