import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { MillraceError } from '../errors/errors.js';
import { byteLength, type DType, dtypeOf, isDType, isTypedArray, MAX_DIMENSIONS, MAX_SIDE, type TypedArray } from '../frame/dtype.js';
import type { Meta } from '../frame/frame.js';
import type { PushAnswer, PushMessage } from '../ingress/push-ingress.js';

/** A frame to push. `data` is copied before `push` returns; its length must be the product of the shape. */
export interface PushFrame {
  readonly data: TypedArray;
  /** C order, slowest axis first. Default: `[data.length]`. */
  readonly shape?: readonly number[];
  /** Default: the type of the array. */
  readonly dtype?: DType;
  readonly sequence?: number;
  /** Seconds since the Unix epoch. */
  readonly timestamp?: number;
  readonly meta?: Meta;
}

/** The program's end of a source of type `push`. */
export class PushSource {
  /** The thread's end of the channel. */
  readonly threadPort: MessagePort;
  readonly #port: MessagePort;
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];
  #ended = false;

  constructor() {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.threadPort = port2;
    port1.on('message', (answer: PushAnswer) => {
      const waiting = this.#waiting.shift();
      if (answer === 'taken') waiting?.resolve();
      else waiting?.reject(new MillraceError('ERR_MESSAGE_TOO_LARGE', answer.refused));
    });
    port1.unref(); // An idle program may end.
  }

  /**
   * Resolves when the frame is in its slot: with a blocking pipeline, this is where the program experiences
   * back-pressure. Frames of a pipeline that has not started wait. Rejects with:
   * - ERR_USAGE: this is not a frame, or its meta contains values that JSON or a message between threads cannot
   * represent. Nothing is counted.
   * - ERR_MESSAGE_TOO_LARGE: the frame exceeds `maxFrame`, or its meta exceeds its room in a slot. The ledger counts
   * the frame as
   *   received and as dead (`too-large`).
   * - ERR_CLOSED: the source ended before it took the frame, by `end()`, by `stop()`, or because the run failed.
   * `stop()` does
   *   not wait for a frame that is not in its slot yet.
   *
   * Await each push before you stop, and handle each rejection.
   */
  push(frame: PushFrame): Promise<void> {
    if (!isTypedArray((frame as Partial<PushFrame> | undefined)?.data))
      return Promise.reject(new MillraceError('ERR_USAGE', "the 'data' of a frame must be a typed array of a known dtype"));
    const { data, shape = [data.length], dtype = dtypeOf(data), sequence, timestamp, meta } = frame;
    if (!isDType(dtype)) return Promise.reject(new MillraceError('ERR_USAGE', `there is no dtype '${dtype}'`));
    if (
      !Array.isArray(shape) ||
      shape.length > MAX_DIMENSIONS ||
      !shape.every((side) => Number.isInteger(side) && side >= 0 && side <= MAX_SIDE)
    ) {
      return Promise.reject(
        new MillraceError(
          'ERR_USAGE',
          `a frame can have at most ${MAX_DIMENSIONS} dimensions, integers from 0 to ${MAX_SIDE}, not [${shape}]`,
        ),
      );
    }
    if (timestamp !== undefined && typeof timestamp !== 'number')
      return Promise.reject(
        new MillraceError('ERR_USAGE', `the 'timestamp' of a frame must be a number of seconds, not ${typeof timestamp}`),
      );
    if (sequence !== undefined && !(Number.isSafeInteger(sequence) && sequence >= 0)) {
      return Promise.reject(new MillraceError('ERR_USAGE', `the 'sequence' of a frame must be an integer of at least 0, not ${sequence}`));
    }
    if (meta !== undefined && (typeof meta !== 'object' || meta === null || Array.isArray(meta)))
      return Promise.reject(new MillraceError('ERR_USAGE', "the 'meta' of a frame must be an object of JSON values"));
    try {
      JSON.stringify(meta);
    } catch (cause) {
      return Promise.reject(notJson(cause));
    }
    if (byteLength(dtype, shape) !== data.byteLength) {
      return Promise.reject(new MillraceError('ERR_USAGE', `${data.byteLength} bytes do not match a frame of ${dtype} [${shape}]`));
    }
    if (this.#ended) return Promise.reject(new MillraceError('ERR_CLOSED', 'the source has ended'));
    const message: PushMessage = {
      header: { dtype, shape, sequence, timestamp, meta },
      bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice(),
    };
    return new Promise((resolve, reject) => {
      try {
        this.#port.postMessage(message, [message.bytes.buffer as ArrayBuffer]);
      } catch (cause) {
        return reject(notJson(cause)); // It was not sent, so no answer comes for it.
      }
      this.#waiting.push({ resolve, reject });
    });
  }

  /** Announces that no more frames follow. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#port.postMessage('end' satisfies PushMessage);
  }

  /** Called when the run is over: pending frames will never be taken. */
  close(): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.splice(0))
      reject(new MillraceError('ERR_CLOSED', 'the pipeline ended before it took the frame'));
    this.#port.close();
  }
}

function notJson(cause: unknown): MillraceError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MillraceError('ERR_USAGE', `the 'meta' of a frame can contain only JSON values: ${reason}`, { cause });
}
