import { MillraceError } from '../../errors/errors.js';
import { EventTurn } from './event-turn.js';
import type { Peer } from './peer.js';
import { type CallOptions, PendingCall } from './pending-call.js';
import type { ResolvedOptions } from './socket-options.js';

export interface SendOptions extends CallOptions {
  /**
   * Called once when the transport reads the parts no more: written, copied or dropped. Until then they must not change. A `send`
   * that fails has taken nothing and does not call it.
   */
  readonly released?: () => void;
  /** Names the message to `onFate` of the socket. */
  readonly tag?: number | undefined;
}

export type Part = string | Uint8Array | ArrayBuffer | SharedArrayBuffer | null;

const EMPTY = Buffer.alloc(0);

interface Waiting {
  readonly parts: readonly Uint8Array[];
  readonly released: (() => void) | undefined;
  readonly call: PendingCall<void>;
  readonly chosen: ((peer: Peer) => void) | undefined;
  readonly tag: number | undefined;
}

/** Messages that go out to one peer at a time, in turn, and wait while none has room. */
export class Outbox {
  readonly #peers: Peer[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #eventTurn = new EventTurn();
  #turn = 0;

  constructor(private readonly options: ResolvedOptions) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  add(peer: Peer): void {
    if (!this.#peers.includes(peer)) this.#peers.push(peer);
    this.pump();
  }

  remove(peer: Peer): void {
    const index = this.#peers.indexOf(peer);
    if (index < 0) return;
    this.#peers.splice(index, 1);
    if (this.#turn > index) this.#turn -= 1;
  }

  /** The next peer with room. */
  choose(): Peer | undefined {
    const peers = this.#peers;
    for (let step = 0; step < peers.length; step++) {
      if (this.#turn >= peers.length) this.#turn = 0;
      const peer = peers[this.#turn]!;
      this.#turn += 1;
      if (peer.hasRoom) return peer;
    }
    return undefined;
  }

  /** @param chosen called with the peer that takes the message, before it is sent */
  send(parts: readonly Uint8Array[], { signal, released, tag }: SendOptions = {}, chosen?: (peer: Peer) => void): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#waiting.length === 0) {
      const peer = this.choose();
      if (peer !== undefined) {
        chosen?.(peer);
        if (!peer.send(parts, released, tag)) released?.();
        return this.#eventTurn.done();
      }
    }
    const { sendTimeoutMs } = this.options;
    if (sendTimeoutMs === 0) return Promise.reject(new MillraceError('ERR_TIMEOUT', 'no peer has room for the message'));
    const call = new PendingCall<void>(sendTimeoutMs, signal, (given) => {
      const index = this.#waiting.findIndex((waiting) => waiting.call === given);
      if (index >= 0) this.#waiting.splice(index, 1);
    });
    this.#waiting.push({ parts, released, call, chosen, tag });
    return call.promise;
  }

  /** False when no peer has room, or others wait. */
  trySend(parts: readonly Uint8Array[], released: (() => void) | undefined, tag?: number): boolean {
    const peer = this.#waiting.length === 0 ? this.choose() : undefined;
    if (peer === undefined) return false;
    if (!peer.send(parts, released, tag)) released?.();
    return true;
  }

  /** A peer came or has room again. */
  pump(): void {
    while (this.#waiting.length > 0) {
      const peer = this.choose();
      if (peer === undefined) return;
      const { parts, released, call, chosen, tag } = this.#waiting.shift()!;
      chosen?.(peer);
      if (!peer.send(parts, released, tag)) released?.();
      call.resolve();
    }
  }

  close(error: MillraceError): void {
    for (const { call } of this.#waiting.splice(0)) call.reject(error);
  }
}

/** Text becomes UTF-8 and shared buffers become views; nothing that is a view already is copied. */
export function toParts(message: Part | readonly Part[]): Uint8Array[] {
  const given = Array.isArray(message) ? (message as readonly Part[]) : [message as Part];
  if (given.length === 0) throw new MillraceError('ERR_USAGE', 'a message has one part at least');
  const parts: Uint8Array[] = new Array(given.length);
  for (let index = 0; index < given.length; index++) parts[index] = toBytes(given[index]!);
  return parts;
}

function toBytes(part: Part): Uint8Array {
  if (part instanceof Uint8Array) return part;
  if (typeof part === 'string') return Buffer.from(part);
  if (part === null) return EMPTY;
  if (part instanceof ArrayBuffer || part instanceof SharedArrayBuffer) return new Uint8Array(part);
  throw new MillraceError('ERR_USAGE', `a part is bytes or text, not ${typeof part}`);
}
