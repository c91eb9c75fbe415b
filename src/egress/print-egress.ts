import type { Writable } from 'node:stream';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { Frame } from '../frame/frame.js';
import type { Delivery, Egress, EgressContext, EgressDefinition } from './egress.js';
import { escapeControls, frameLine } from './file/frame-line.js';

export interface PrintEgressOptions {
  readonly format?: 'text' | 'json';
  /** Print the items too. */
  readonly data?: boolean;
}

/** Prints one line per frame to standard output. */
export const printEgress: EgressDefinition<PrintEgressOptions> = {
  type: 'print',
  description: 'Prints one line per frame to standard output.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
sinks:
  lines: { type: print, from: detector, format: json }`,
    errors: {
      ERR_SINK: 'standard output is closed',
    },
  },
  usesCodec: false,
  restarts: true,
  batch: 64,
  options: {
    type: 'object',
    additionalProperties: false,
    properties: {
      format: { type: 'string', enum: ['text', 'json'], default: 'text', description: '`text` for people, or one JSON object per line' },
      data: { type: 'boolean', default: false, description: 'also print the values of the pixels' },
    },
  },
  create: (options, context) => new PrintEgress(options, context, process.stdout),
};

export class PrintEgress implements Egress {
  readonly #options: PrintEgressOptions;
  readonly #context: EgressContext;
  readonly #stream: Writable;
  #failure: Error | undefined;
  #isUnread = false;
  /** Ends the wait of the write in progress. */
  #giveUp = (): void => {};
  readonly #onError = (error: Error): void => {
    this.#failure = error;
  };

  constructor(options: PrintEgressOptions, context: EgressContext, stream: Writable) {
    this.#options = options;
    this.#context = context;
    this.#stream = stream;
  }

  async open(): Promise<void> {
    // A closed reader raises EPIPE here too, and without a listener that would end the process.
    this.#stream.on('error', this.#onError);
  }

  async write(frames: readonly Frame[]): Promise<Delivery | undefined> {
    const lines: string[] = [];
    if (this.#isUnread) return unread(frames);
    const refused: { index: number; reason: 'encode-failed'; detail: string }[] = [];
    frames.forEach((frame, index) => {
      try {
        lines.push(
          this.#options.format === 'json' ? frameLine(frame, this.#options.data ?? false) : textLine(frame, this.#options.data ?? false),
        );
      } catch (error) {
        refused.push({ index, reason: 'encode-failed', detail: asMillraceError(error, 'ERR_SINK').message });
      }
    });
    if (lines.length > 0 && !(await this.#print(`${lines.join('\n')}\n`))) return unread(frames);
    return refused.length > 0 ? { refused } : undefined;
  }

  async close(): Promise<void> {
    this.#stream.off('error', this.#onError);
  }

  readerGone(): void {
    this.#isUnread = true;
    this.#giveUp();
  }

  /**
   * Resolves when the stream has written the text, which also applies back-pressure from a slow reader; resolves with
   * false when the reader closes meanwhile.
   */
  #print(text: string): Promise<boolean> {
    const { signal, name } = this.#context;
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => {
        const gone = (cause as { code?: unknown } | null)?.code === 'EPIPE';
        reject(new MillraceError('ERR_SINK', `${name}: ${gone ? 'the reader of the output has closed it' : String(cause)}`, { cause }));
      };
      if (this.#failure) {
        fail(this.#failure);
        return;
      }
      const onAbort = (): void => fail(signal.reason);
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      this.#giveUp = () => {
        signal.removeEventListener('abort', onAbort);
        resolve(false);
      };
      this.#stream.write(text, (error) => {
        signal.removeEventListener('abort', onAbort);
        if (error) fail(error);
        else resolve(true);
      });
    });
  }
}

function unread(frames: readonly Frame[]): Delivery {
  return { refused: frames.map((_, index) => ({ index, reason: 'unread', detail: 'the reader of the output has closed it' })) };
}

function textLine(frame: Frame, withData: boolean): string {
  const time = Number.isFinite(frame.timestamp) ? ` time ${frame.timestamp}` : '';
  const meta = Object.keys(frame.meta).length > 0 ? ` ${JSON.stringify(frame.meta)}` : '';
  const data = withData ? `: ${Array.from(frame.data as ArrayLike<number | bigint>, String).join(' ')}` : '';
  return escapeControls(
    `${frame.source} ${frame.ordinal} sequence ${frame.sequence} ${frame.dtype} [${frame.shape.join(', ')}]${time}${meta}${data}`,
  );
}
