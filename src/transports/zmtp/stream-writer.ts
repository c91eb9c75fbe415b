import type net from 'node:net';
import type { Segment, SendQueue } from './send-queue.js';

// One write at a time: large enough to amortise it, small enough for heartbeats between writes.
const BATCH_BYTES = 1024 * 1024;

/** Writes a queue to a stream, one batch under way at a time, and gives memory back when the stream is done with it. */
export class StreamWriter {
  #socket: net.Socket | undefined;
  #batch: Segment[] | undefined;
  #control: Buffer[] = [];
  // Only the latest of each waits, however long the peer does not read.
  #ping: Buffer | undefined;
  #pong: Buffer | undefined;
  #scheduled = false;
  #ending = false;
  readonly #flush = () => {
    this.#scheduled = false;
    this.#write();
  };

  constructor(
    private readonly queue: SendQueue,
    private readonly owner: { drained(): void },
  ) {}

  start(socket: net.Socket): void {
    this.#socket = socket;
    this.schedule();
  }

  stop(): void {
    this.#socket = undefined;
  }

  /** The write comes after all that the running code does in this turn, so that messages gather. */
  schedule(): void {
    if (this.#scheduled || this.#batch !== undefined || this.#socket === undefined) return;
    this.#scheduled = true;
    process.nextTick(this.#flush);
  }

  control(bytes: Buffer): void {
    this.#control.push(bytes);
    this.schedule();
  }

  ping(bytes: Buffer): void {
    this.#ping = bytes;
    this.schedule();
  }

  pong(bytes: Buffer): void {
    this.#pong = bytes;
    this.schedule();
  }

  end(): void {
    this.#ending = true;
    this.schedule();
  }

  /** After the stream has closed: messages in transit are lost. Returns their number. */
  lose(): number {
    this.#socket = undefined;
    const batch = this.#batch;
    this.#batch = undefined;
    return batch === undefined ? 0 : this.queue.settle(batch, 'lost');
  }

  #write(): void {
    const socket = this.#socket;
    if (socket === undefined || this.#batch !== undefined) return;
    const batch = this.queue.takeBatch(BATCH_BYTES);
    const control = this.#control;
    if (this.#ping !== undefined) control.push(this.#ping);
    if (this.#pong !== undefined) control.push(this.#pong);
    this.#ping = undefined;
    this.#pong = undefined;
    if (batch.length === 0 && control.length === 0) {
      if (this.#ending) socket.end();
      return;
    }
    this.#control = [];
    this.#batch = batch;
    const writes = control.length + batch.length;
    const done = (error?: Error | null) => this.#written(socket, error);
    if (writes > 1) socket.cork();
    let index = 0;
    for (const bytes of control) {
      index += 1;
      if (index === writes) socket.write(bytes, done);
      else socket.write(bytes);
    }
    for (const segment of batch) {
      index += 1;
      const { memory, start, end } = segment;
      const bytes = start === 0 && end === memory.length ? memory : memory.subarray(start, end);
      if (index === writes) socket.write(bytes, done);
      else socket.write(bytes);
    }
    if (writes > 1) socket.uncork();
  }

  #written(socket: net.Socket, error: Error | null | undefined): void {
    // A failed stream may still be read from until it is closed; `lose` settles its batch.
    if (error || this.#batch === undefined || this.#socket !== socket) return;
    const batch = this.#batch;
    this.#batch = undefined;
    this.queue.settle(batch, 'written');
    this.owner.drained();
    this.#write();
  }
}
