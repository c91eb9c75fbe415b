import { setTimeout as sleep } from 'node:timers/promises';
import { array10 } from '../../codecs/array-1.0.js';
import type { DecodedFrame } from '../../codecs/codec.js';
import { openZmqReader } from '../../transports/zmq.js';
import type { ZmqReader } from '../../transports/zmq-driver.js';

/** The receiver of the demo's sink: a ZeroMQ PULL socket that keeps the last result, as a user's program would. */
export class ResultClient {
  readonly #reader: ZmqReader;
  readonly #ended: Promise<void>;
  received = 0;
  last: DecodedFrame | undefined;

  private constructor(reader: ZmqReader) {
    this.#reader = reader;
    this.#ended = this.#read();
  }

  static async bind(endpoint: string): Promise<ResultClient> {
    return new ResultClient(await openZmqReader({ socket: 'pull', bind: endpoint, highWaterMark: 1000 }));
  }

  async #read(): Promise<void> {
    for (;;) {
      const parts = await this.#reader.receive();
      if (!parts) return;
      this.last = array10.decode(parts);
      this.received++;
    }
  }

  /** Waits until this number of results has arrived, at most `timeoutMs`. */
  async waitFor(results: number, timeoutMs: number): Promise<void> {
    const untilMs = performance.now() + timeoutMs;
    while (this.received < results && performance.now() < untilMs) await Promise.race([sleep(10), this.#ended]);
  }

  async close(): Promise<void> {
    await this.#reader.close();
    await this.#ended;
  }
}
