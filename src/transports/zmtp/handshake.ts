import { MillraceError } from '../../errors/errors.js';
import { broken, type Command, decodeError, encodeMetadata } from './command.js';
import { FLAG_COMMAND, FLAG_LONG, FLAG_MORE, frame } from './frame-layout.js';
import { encodeGreetingRest, encodeSignature, type Greeting, GreetingReader } from './greeting.js';
import { IDENTITY_LIMIT_BYTES } from './limits.js';
import type { Mechanism } from './mechanism.js';
import { NullMechanism } from './mechanism-null.js';
import { PlainClient, PlainServer, sameSecret } from './mechanism-plain.js';
import { mayPair, type SocketType, socketTypeNumber, socketTypeOfNumber } from './socket-types.js';

export interface HandshakeSettings {
  readonly type: SocketType;
  /** The routing id sent to peers; empty for none. */
  readonly routingId: Uint8Array;
  readonly plain: PlainCredentials | undefined;
}

/** `server`: accept clients with this name and password; otherwise they are sent to the server. */
export interface PlainCredentials {
  readonly server?: boolean;
  readonly username: string;
  readonly password: string;
}

/** Properties of the peer after the handshake. */
export interface HandshakeResult {
  readonly major: 2 | 3;
  readonly minor: number;
  readonly type: SocketType;
  /** A copy; empty when the peer named none. */
  readonly routingId: Buffer;
}

export interface GreetingStep {
  readonly offset: number;
  readonly reply: Buffer | undefined;
  readonly greeted: boolean;
  readonly knownFlags: number;
}

/** Everything between the first byte and the first message. Holds no timer and no socket. */
export class Handshake {
  readonly #settings: HandshakeSettings;
  readonly #mechanism: Mechanism;
  readonly #reader = new GreetingReader();
  #answered = false;
  #greeting: Greeting | undefined;

  constructor(settings: HandshakeSettings) {
    this.#settings = settings;
    this.#mechanism = makeMechanism(settings);
  }

  open(): Buffer {
    return encodeSignature();
  }

  greet(bytes: Uint8Array, start: number, end: number): GreetingStep {
    let offset = this.#reader.push(bytes, start, end);
    let reply: Buffer | undefined;
    const major = this.#reader.major;
    if (major !== 0 && !this.#answered) {
      this.#answered = true;
      reply = major === 2 ? this.#answer2() : this.#answer3();
      offset = this.#reader.push(bytes, offset, end);
    }
    if (!this.#reader.complete) return { offset, reply, greeted: false, knownFlags: 0 };
    this.#greeting = this.#reader.take();
    if (this.#greeting.major === 2) return { offset, reply, greeted: true, knownFlags: FLAG_MORE | FLAG_LONG };
    this.#checkMechanism(this.#greeting);
    const first = this.#mechanism.start();
    if (first !== undefined) reply = reply === undefined ? first : Buffer.concat([reply, first]);
    return { offset, reply, greeted: true, knownFlags: FLAG_MORE | FLAG_LONG | FLAG_COMMAND };
  }

  /** A frame that is no command, before the handshake is over: in ZMTP 2.0 the routing id, in 3.x a breach. */
  checkFrame(flags: number, lengthBytes: number): void {
    if (this.#greeting!.major !== 2) throw broken('a message before the handshake was over');
    if ((flags & FLAG_MORE) !== 0) throw broken('a routing id in several frames');
    if (lengthBytes > IDENTITY_LIMIT_BYTES) throw new MillraceError('ERR_PEER_LIMIT', `a routing id of ${lengthBytes} bytes`);
  }

  /** The frame with the routing id that ends the handshake of ZMTP 2.0. */
  identity(body: Buffer): HandshakeResult {
    const type = socketTypeOfNumber(this.#greeting!.socketTypeNumber);
    return { major: 2, minor: 0, type: this.#checkType(type), routingId: Buffer.from(body) };
  }

  command(command: Command): { readonly reply: Buffer | undefined; readonly result: HandshakeResult | undefined } {
    if (command.name === 'ERROR') throw this.refusal(command);
    const { reply, metadata } = this.#mechanism.receive(command);
    if (metadata === undefined) return { reply, result: undefined };
    const routingId = metadata.get('identity') ?? Buffer.alloc(0);
    if (routingId.length > IDENTITY_LIMIT_BYTES) throw new MillraceError('ERR_PEER_LIMIT', `a routing id of ${routingId.length} bytes`);
    const type = this.#checkType(metadata.get('socket-type')?.toString('latin1', 0, 32));
    return { reply, result: { major: 3, minor: this.#greeting!.minor, type, routingId } };
  }

  refusal(command: Command): MillraceError {
    return new MillraceError('ERR_PEER_REFUSED', `the peer says: ${decodeError(command.data)}`);
  }

  #answer2(): Buffer {
    // A peer of ZMTP 2.0 reads our major version as "at least 2.0", then the socket type and a frame with the routing id.
    if (this.#mechanism.name !== 'NULL') throw new MillraceError('ERR_PEER_REFUSED', 'the peer speaks ZMTP 2.0, which knows no PLAIN');
    return Buffer.concat([Buffer.from([socketTypeNumber(this.#settings.type)]), frame(0, this.#settings.routingId)]);
  }

  #answer3(): Buffer {
    return encodeGreetingRest(this.#mechanism.name, this.#mechanism.asServer);
  }

  #checkMechanism(greeting: Greeting): void {
    if (greeting.mechanism !== this.#mechanism.name) {
      const theirs = JSON.stringify(greeting.mechanism);
      throw new MillraceError('ERR_PEER_REFUSED', `the peer wants mechanism ${theirs}, this side ${this.#mechanism.name}`);
    }
    // The peer's as-server bit is not looked at: libzmq leaves it at 0 on servers of PLAIN too.
  }

  #checkType(theirs: string | undefined): SocketType {
    if (theirs === undefined) throw broken('no socket type');
    if (!mayPair(this.#settings.type, theirs)) {
      throw new MillraceError('ERR_PEER_REFUSED', `a ${this.#settings.type} cannot speak to ${JSON.stringify(theirs)}`);
    }
    return theirs as SocketType;
  }
}

function makeMechanism(settings: HandshakeSettings): Mechanism {
  const properties: [string, Uint8Array][] = [['Socket-Type', Buffer.from(settings.type)]];
  // libzmq names its routing id only where the peer may route by it; an empty one is left out.
  if (settings.routingId.length > 0) properties.push(['Identity', settings.routingId]);
  const metadata = encodeMetadata(properties);
  const { plain } = settings;
  if (plain === undefined) return new NullMechanism(metadata);
  if (!plain.server) return new PlainClient(metadata, plain.username, plain.password);
  return new PlainServer(metadata, (username, password) => {
    // Both are compared whatever the first says.
    const user = sameSecret(username, plain.username);
    const secret = sameSecret(password, plain.password);
    return user && secret;
  });
}
