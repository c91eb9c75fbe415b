import { MillraceError } from '../../errors/errors.js';
import type { LentFrames } from './lent-frames.js';
import type { Peer, WaitingMessage } from './peer.js';
import { type CallOptions, PendingCall } from './pending-call.js';
import type { ResolvedOptions } from './socket-options.js';
import type { StatsCounter } from './socket-stats.js';

/**
 * Received messages, fair among the peers: each delivers one in turn. A peer at its mark is not read until half of its
 * messages are taken.
 */
export class Inbox {
  /** Peers with messages, each once; the one at `#turn` is next. */
  #waiting: Peer[] = [];
  #turn = 0;
  readonly #calls: PendingCall<Buffer[]>[] = [];
  readonly #latest: Map<string, WaitingMessage> | undefined;
  #latestBytes = 0;
  /** Of all peers together, with the messages that wait. */
  #totalBytes = 0;
  /** Peers that are not read because of the total. */
  readonly #held = new Set<Peer>();
  #error: MillraceError | undefined;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly counters: StatsCounter,
    private readonly frames: LentFrames | undefined,
  ) {
    if (options.conflate !== undefined) this.#latest = new Map();
  }

  put(peer: Peer, parts: Buffer[], bytes: number): void {
    if (this.#error !== undefined) {
      this.drop(parts);
      return;
    }
    const call = this.#calls.shift();
    if (call !== undefined) {
      this.#deliver(parts);
      call.resolve(parts);
      return;
    }
    if (this.#latest !== undefined) {
      this.#replace(this.#latest, parts, bytes);
      return;
    }
    if (peer.inbound.length === 0) this.#waiting.push(peer);
    peer.inbound.push({ parts, bytes });
    peer.inboundBytes += bytes;
    this.#totalBytes += bytes;
    const { receiveHighWaterMark, receiveHighWaterBytes } = this.options;
    const full = receiveHighWaterMark > 0 && peer.inbound.length >= receiveHighWaterMark;
    if (this.#totalBytes >= this.options.receiveTotalBytes) this.#held.add(peer);
    else if (!full && peer.inboundBytes < receiveHighWaterBytes) return;
    peer.connection?.pause();
  }

  /** A message without waiting, or undefined. */
  take(): Buffer[] | undefined {
    if (this.#latest !== undefined) return this.#takeLatest(this.#latest);
    const waiting = this.#waiting;
    if (waiting.length === 0) return undefined;
    if (this.#turn >= waiting.length) this.#turn = 0;
    const peer = waiting[this.#turn]!;
    const { parts, bytes } = peer.inbound.shift()!;
    peer.inboundBytes -= bytes;
    this.#totalBytes -= bytes;
    if (peer.inbound.length === 0) {
      waiting.splice(this.#turn, 1);
      peer.left?.();
    } else this.#turn += 1;
    if (this.#held.size > 0) this.#resumeHeld();
    if (!this.#held.has(peer)) this.#resume(peer);
    this.#deliver(parts);
    return parts;
  }

  #resume(peer: Peer): void {
    const { receiveHighWaterMark, receiveHighWaterBytes } = this.options;
    if (peer.inbound.length <= receiveHighWaterMark / 2 && peer.inboundBytes <= receiveHighWaterBytes / 2) peer.connection?.resume();
  }

  #resumeHeld(): void {
    if (this.#totalBytes > this.options.receiveTotalBytes / 2) return;
    const held = [...this.#held];
    this.#held.clear();
    for (const peer of held) this.#resume(peer);
  }

  receive({ signal }: CallOptions = {}): Promise<Buffer[]> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const parts = this.take();
    if (parts !== undefined) return Promise.resolve(parts);
    if (this.#error !== undefined) return Promise.reject(this.#error);
    const call = new PendingCall<Buffer[]>(this.options.receiveTimeoutMs, signal, (given) => {
      const index = this.#calls.indexOf(given);
      if (index >= 0) this.#calls.splice(index, 1);
    });
    this.#calls.push(call);
    return call.promise;
  }

  /** Ends without an error when the socket is closed. */
  async *iterate(): AsyncGenerator<Buffer[], void, undefined> {
    for (;;) {
      const ready = this.take();
      if (ready !== undefined) {
        yield ready;
        continue;
      }
      try {
        yield await this.receive();
      } catch (error) {
        if (error === this.#error) return;
        throw error;
      }
    }
  }

  /** Ends the pending calls and continues. Returns their number. */
  rejectCalls(error: MillraceError): number {
    const calls = this.#calls.splice(0);
    for (const call of calls) call.reject(error);
    return calls.length;
  }

  drop(parts: readonly Buffer[]): void {
    this.frames?.drop(parts);
  }

  close(): void {
    if (this.#error !== undefined) return;
    this.#error = new MillraceError('ERR_CLOSED', 'the socket is closed');
    for (let message = this.#next(); message !== undefined; message = this.#next()) this.drop(message.parts);
    for (const { parts } of this.#latest?.values() ?? []) this.drop(parts);
    this.#latest?.clear();
    this.#latestBytes = 0;
    this.rejectCalls(this.#error);
  }

  #next(): WaitingMessage | undefined {
    const peer = this.#waiting[0];
    const message = peer?.inbound.shift();
    this.#totalBytes -= message?.bytes ?? 0;
    if (peer?.inbound.length === 0) this.#waiting.shift();
    return message;
  }

  #deliver(parts: Buffer[]): void {
    this.counters.received += 1;
    this.frames?.deliver(parts);
  }

  #takeLatest(latest: Map<string, WaitingMessage>): Buffer[] | undefined {
    const oldest = latest.keys().next();
    if (oldest.done) return undefined;
    const { parts } = this.#remove(latest, oldest.value);
    this.#deliver(parts);
    return parts;
  }

  #replace(latest: Map<string, WaitingMessage>, parts: Buffer[], bytes: number): void {
    const key = this.options.conflate === 'topic' ? parts[0]!.toString('latin1') : '';
    const { dropped } = this.counters;
    if (latest.has(key)) {
      // In the place of the old one, so that a busy topic is not put off again and again.
      const old = latest.get(key)!;
      this.#latestBytes -= old.bytes;
      dropped.conflated += 1;
      this.drop(old.parts);
    }
    latest.set(key, { parts, bytes });
    this.#latestBytes += bytes;
    const { receiveHighWaterMark, receiveHighWaterBytes } = this.options;
    // The oldest topics are removed first; the newest one stays, whatever its size.
    for (const other of latest.keys()) {
      const crowded = receiveHighWaterMark > 0 && latest.size > receiveHighWaterMark;
      if (latest.size === 1 || !(crowded || this.#latestBytes > receiveHighWaterBytes)) return;
      if (other === key) continue;
      this.drop(this.#remove(latest, other).parts);
      dropped.highWater += 1;
    }
  }

  #remove(latest: Map<string, WaitingMessage>, key: string): WaitingMessage {
    const message = latest.get(key)!;
    latest.delete(key);
    this.#latestBytes -= message.bytes;
    return message;
  }
}
