import { connect, type Socket } from 'node:net';

export type RespValue = Buffer | number | null | Error | RespValue[];

/** The simplest client of Redis (RESP2, one command at a time), to read back what another one wrote. */
export class RespClient {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #wake: () => void = () => {};
  #ended = false;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    this.#socket.on('close', end).on('error', end);
  }

  async call(...args: string[]): Promise<RespValue> {
    this.#socket.write(`*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`);
    const reply = await this.read();
    if (reply instanceof Error) throw reply;
    return reply;
  }

  /** The next reply, or the next message of a subscription. */
  async read(): Promise<RespValue> {
    const line = (await this.#line()).toString();
    const rest = line.slice(1);
    switch (line[0]) {
      case '+':
        return Buffer.from(rest);
      case '-':
        return new Error(rest);
      case ':':
        return Number(rest);
      case '$': {
        const length = Number(rest);
        if (length < 0) return null;
        const bytes = await this.#take(length + 2);
        return bytes.subarray(0, length);
      }
      case '*': {
        const items: RespValue[] = [];
        for (let left = Number(rest); left > 0; left--) items.push(await this.read());
        return items;
      }
      default:
        throw new Error(`not RESP: ${line}`);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #line(): Promise<Buffer> {
    let at = this.#received.indexOf('\r\n');
    while (at < 0) {
      await this.#more();
      at = this.#received.indexOf('\r\n');
    }
    return (await this.#take(at + 2)).subarray(0, at);
  }

  async #take(lengthBytes: number): Promise<Buffer> {
    while (this.#received.length < lengthBytes) await this.#more();
    const taken = Buffer.from(this.#received.subarray(0, lengthBytes));
    this.#received = this.#received.subarray(lengthBytes);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new Error('connection closed');
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }
}
