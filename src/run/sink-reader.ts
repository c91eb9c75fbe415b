import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { IterateAnswer, ReceivedFrame } from '../egress/iterate-egress.js';
import { type TypedArray, typedView } from '../frame/dtype.js';

/** How often to check for an idle loop. */
const LOOK_MS = 50;

/** A frame that the program owns. */
export interface OwnFrame extends ReceivedFrame {
  readonly data: TypedArray;
}

/**
 * The program's end of a sink of type `iterate`: read it with `for await`, once. Until the program reads, the sink
 * waits. When the program leaves the loop, it has taken the frames that it received; later frames are refused, and a
 * later loop ends at once.
 */
export class SinkReader implements AsyncIterable<OwnFrame> {
  /** The thread's end of the channel. */
  readonly threadPort: MessagePort;
  readonly #port: MessagePort;
  #batch: ReceivedFrame[] = [];
  /** Number of frames of the batch that the program received. */
  #given = 0;
  #isLeft = false;
  #closed = false;
  /** Number of open loops. */
  #loops = 0;
  /** The program waits for a frame. */
  #isWaiting = false;
  /** When it received its last frame. */
  #givenMs = 0;
  #changed: () => void = () => {};

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.threadPort = port2;
    port1.on('message', (batch: ReceivedFrame[]) => {
      if (this.#isLeft) return; // They are refused.
      this.#batch = batch;
      this.#given = 0;
      this.#changed();
    });
    port1.unref();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OwnFrame, void, undefined> {
    this.#loops++;
    try {
      for (;;) {
        this.#isWaiting = true;
        while (this.#batch.length === 0) {
          if (this.#closed || this.#isLeft) return;
          await new Promise<void>((resolve) => {
            this.#changed = resolve;
          });
        }
        this.#isWaiting = false;
        this.#givenMs = performance.now();
        const frame = this.#batch.shift() as ReceivedFrame;
        this.#given++;
        yield { ...frame, data: typedView(frame.dtype, frame.bytes.buffer, 0, frame.bytes.length / bytesPerItem(frame)) };
        if (this.#batch.length === 0 && !this.#isLeft) {
          this.#given = 0;
          this.#answer('taken');
        }
      }
    } finally {
      this.#loops--;
      this.#isWaiting = false;
      this.#leave();
    }
  }

  /**
   * The program leaves the block in which it uses the pipeline. Without an open loop, reading ends and further frames
   * are refused. With one, the same happens when it requests no frame for `patienceMs`.
   */
  leaveIfIdle(patienceMs: number): void {
    const look = (): void => {
      const isIdle = this.#loops === 0 || (!this.#isWaiting && performance.now() - this.#givenMs > patienceMs);
      if (isIdle) this.#leave();
      if (this.#isLeft || this.#closed) clearInterval(timer);
    };
    const timer = setInterval(look, LOOK_MS);
    timer.unref();
    look();
  }

  #leave(): void {
    if (this.#closed || this.#isLeft) return;
    this.#isLeft = true;
    this.#batch = [];
    this.#answer({ left: this.#given });
    this.#changed();
  }

  #answer(answer: IterateAnswer): void {
    this.#port.postMessage(answer);
  }

  /** Called when the run is over. */
  close(): void {
    this.#closed = true;
    this.#changed();
    this.#port.close();
  }
}

function bytesPerItem({ bytes, shape }: ReceivedFrame): number {
  const items = shape.reduce((product, side) => product * side, 1);
  return items === 0 ? 1 : bytes.length / items;
}
