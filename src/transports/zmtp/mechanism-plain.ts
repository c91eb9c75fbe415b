import { timingSafeEqual } from 'node:crypto';
import { MillraceError } from '../../errors/errors.js';
import { broken, type Command, decodeHello, decodeMetadata, encodeCommand, encodeError, encodeHello } from './command.js';
import type { Mechanism, MechanismStep } from './mechanism.js';

/** PLAIN (RFC 24), the client's side: HELLO, then INITIATE when it is welcome, then the server's READY. */
export class PlainClient implements Mechanism {
  readonly name = 'PLAIN';
  readonly asServer = false;
  #awaited: 'WELCOME' | 'READY' = 'WELCOME';

  constructor(
    private readonly metadata: Buffer,
    private readonly username: string,
    private readonly password: string,
  ) {}

  start(): Buffer {
    return encodeHello(this.username, this.password);
  }

  receive(command: Command): MechanismStep {
    if (command.name !== this.#awaited) throw broken(`${JSON.stringify(command.name)} where ${this.#awaited} was due`);
    if (this.#awaited === 'READY') return { metadata: decodeMetadata(command.data) };
    if (command.data.length > 0) throw broken('a WELCOME with data');
    this.#awaited = 'READY';
    return { reply: encodeCommand('INITIATE', this.metadata) };
  }
}

/** PLAIN, the server's side. A refused client gets the ERROR "400" that libzmq sends too. */
export class PlainServer implements Mechanism {
  readonly name = 'PLAIN';
  readonly asServer = true;
  #awaited: 'HELLO' | 'INITIATE' = 'HELLO';

  constructor(
    private readonly metadata: Buffer,
    private readonly accept: (username: string, password: string) => boolean,
  ) {}

  start(): undefined {
    return undefined;
  }

  receive(command: Command): MechanismStep {
    if (command.name !== this.#awaited) throw broken(`${JSON.stringify(command.name)} where ${this.#awaited} was due`);
    if (this.#awaited === 'INITIATE') {
      return { reply: encodeCommand('READY', this.metadata), metadata: decodeMetadata(command.data) };
    }
    const { username, password } = decodeHello(command.data);
    if (!this.accept(username, password)) throw new RefusedClient(username);
    this.#awaited = 'INITIATE';
    return { reply: encodeCommand('WELCOME') };
  }
}

/** Carries the reason sent to the client before it is disconnected. */
export class RefusedClient extends MillraceError {
  readonly farewell = encodeError('400');

  constructor(username: string) {
    super('ERR_PEER_REFUSED', `user ${JSON.stringify(username.slice(0, 64))} or its password is wrong`);
  }
}

/** Compares in time that does not depend on where the texts differ. */
export function sameSecret(given: string, wanted: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(wanted);
  return a.length === b.length && timingSafeEqual(a, b);
}
