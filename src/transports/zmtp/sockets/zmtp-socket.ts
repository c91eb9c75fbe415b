import type net from 'node:net';
import { MillraceError } from '../../../errors/errors.js';
import { adoptStream } from '../byte-stream.js';
import { ChunkPool } from '../chunk-pool.js';
import { Connection, type ConnectionSettings } from '../connection.js';
import { connectOptions, formatEndpoint, parseEndpoint } from '../endpoint.js';
import { LentFrames } from '../lent-frames.js';
import { Listener } from '../listener.js';
import type { FateListener, PeerCounts } from '../message-fates.js';
import { Peer, type PeerHost } from '../peer.js';
import { ReconnectDelay } from '../reconnect-delay.js';
import { SocketEvents } from '../socket-events.js';
import { type ResolvedOptions, resolveOptions, type SocketOptions } from '../socket-options.js';
import { type SocketStats, StatsCounter } from '../socket-stats.js';
import type { SocketType } from '../socket-types.js';
import { UnfinishedMessages } from '../unfinished-messages.js';

/** Former peers, whose counts are kept. */
const KEPT_COUNTS = 32;

interface Dialled {
  readonly peer: Peer;
  readonly address: string;
  readonly delay: ReconnectDelay;
  timer: NodeJS.Timeout | undefined;
  stopped: boolean;
}

/**
 * The shared part of all sockets: endpoints, peers and their connections, events, counters, close. The patterns are in
 * the subclasses.
 */
export abstract class ZmtpSocket implements PeerHost {
  readonly events = new SocketEvents();
  readonly options: ResolvedOptions;
  readonly counters = new StatsCounter();
  readonly chunks = new ChunkPool();
  onFate: FateListener | undefined;
  /** The endpoint that was bound last, with the port or path that replaced a wildcard. */
  lastEndpoint: string | null = null;
  protected readonly frames: LentFrames | undefined;
  protected readonly peers = new Set<Peer>();
  readonly #gone: PeerCounts[] = [];
  readonly #settings: ConnectionSettings;
  readonly #listeners = new Map<string, Listener>();
  readonly #dialled = new Map<string, Dialled>();
  readonly #accepted = new Map<Peer, Listener>();
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(
    readonly type: SocketType,
    options: SocketOptions = {},
  ) {
    this.options = resolveOptions(options);
    if (options.onFrame !== undefined) this.frames = new LentFrames(options.onFrame);
    const { routingId, plain, maxUnfinishedBytes, maxMessageBytes } = this.options;
    // One message of one peer is always allowed.
    const unfinished = new UnfinishedMessages(Math.max(maxUnfinishedBytes, 2 * maxMessageBytes));
    this.#settings = { ...this.options, type, routingId, plain, limits: this.options, frames: this.frames, unfinished };
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * @throws ERR_ADDRESS when the address is wrong or taken, ERR_CLOSED
   */
  async bind(address: string): Promise<void> {
    this.assertOpen();
    const endpoint = parseEndpoint(address, 'bind');
    const listener = new Listener(endpoint, this.options.maxPeers, (socket, from) => this.#accept(socket, from));
    await listener.listen();
    if (this.closed) {
      listener.close();
      this.assertOpen();
    }
    this.#listeners.set(listener.address, listener);
    this.lastEndpoint = listener.address;
    this.events.emit('bind', { address: listener.address });
  }

  /** Stops accepting; peers that are connected stay. `address` as in `lastEndpoint`. */
  async unbind(address: string): Promise<void> {
    const listener = this.#listeners.get(address);
    if (listener === undefined) throw new MillraceError('ERR_ADDRESS', `${address} is not bound`);
    this.#listeners.delete(address);
    listener.close();
    this.events.emit('unbind', { address });
  }

  /** Starts to connect, and retries until `disconnect` or `close`. The peer need not be present yet. */
  connect(address: string): void {
    this.assertOpen();
    const formatted = formatEndpoint(parseEndpoint(address, 'connect'));
    if (this.#dialled.has(formatted)) return;
    const { reconnectIntervalMs, reconnectMaxIntervalMs } = this.options;
    const delay = new ReconnectDelay(reconnectIntervalMs, reconnectMaxIntervalMs);
    const peer = new Peer(this);
    peer.address = formatted;
    const dialled: Dialled = { peer, address: formatted, delay, timer: undefined, stopped: false };
    this.#dialled.set(formatted, dialled);
    this.peers.add(peer);
    if (!this.options.immediate) this.peerExpected(peer);
    this.#dial(dialled);
  }

  /** Ends what `connect` began; messages that wait for that peer are lost, and counted. */
  disconnect(address: string): void {
    const formatted = formatEndpoint(parseEndpoint(address, 'connect'));
    const dialled = this.#dialled.get(formatted);
    if (dialled === undefined) throw new MillraceError('ERR_ADDRESS', `${formatted} is not connected to`);
    this.#hangUp(dialled);
  }

  /**
   * Writes queued messages for at most `lingerMs`, then ends everything. May be called again; the first call decides.
   */
  close(lingerMs = this.options.lingerMs): Promise<void> {
    this.#closing ??= this.#close(lingerMs);
    return this.#closing;
  }

  /** Lets peers go on that wait for memory of `onFrame`. */
  resumeFrames(): void {
    for (const peer of this.peers) peer.connection?.resumeFrames();
  }

  /** Messages sent to each peer: current peers, and the most recent former ones. */
  peerCounts(): readonly PeerCounts[] {
    return [...this.#gone, ...[...this.peers].map(({ counts }) => counts)];
  }

  /** Whether nothing waits to be written. */
  get idle(): boolean {
    for (const peer of this.peers) if (!peer.idle) return false;
    return true;
  }

  /** The addresses that it connects to without a peer there yet. */
  get unreached(): readonly string[] {
    return [...this.#dialled.values()].flatMap(({ peer, address }) => (peer.ready ? [] : [address]));
  }

  stats(): SocketStats {
    let ready = 0;
    let queuedMessages = 0;
    let queuedBytes = 0;
    for (const peer of this.peers) {
      if (peer.ready) ready += 1;
      queuedMessages += peer.queue.messages;
      queuedBytes += peer.queue.bytes;
    }
    const { dropped, received, sent, reconnects, handshakesFailed, peersRefused } = this.counters;
    return {
      dropped: { ...dropped },
      peers: ready,
      queuedMessages,
      queuedBytes,
      received,
      sent,
      reconnects,
      handshakesFailed,
      peersRefused,
    };
  }

  // --- hooks of the patterns ---

  /** A connecting peer that takes messages before it is there. Sockets that send in turn override it. */
  protected peerExpected(_peer: Peer): void {}
  /** The peer may be sent to. */
  protected abstract peerOpened(peer: Peer): void;
  /** The peer's connection has ended. `forGood` when it will not come back. */
  protected abstract peerGone(peer: Peer, forGood: boolean): void;
  abstract peerMessage(peer: Peer, parts: Buffer[], bytes: number): void;
  protected abstract closePattern(error: MillraceError): void;

  peerSubscription(_peer: Peer, _topic: Buffer, _subscribe: boolean): void {
    throw new MillraceError('ERR_PEER_PROTOCOL', `the peer sent a subscription to a ${this.type}`);
  }

  peerOversized(_peer: Peer, bytes: number): boolean {
    const { onOversized } = this.options;
    if (onOversized === undefined) return false;
    this.counters.dropped.oversized += 1;
    onOversized(bytes);
    return true;
  }

  peerDrained(peer: Peer): void {
    if (peer.idle) this.#onIdle?.();
  }

  peerReady(peer: Peer): void {
    const dialled = this.#dialledBy(peer);
    dialled?.delay.reset();
    this.peerOpened(peer);
    this.events.emit('handshake', { address: peer.address });
  }

  peerClosed(peer: Peer, error: MillraceError | undefined, wasReady: boolean): void {
    if (!wasReady) this.counters.handshakesFailed += 1;
    const dialled = this.#dialledBy(peer);
    const forGood = dialled === undefined || dialled.stopped;
    if (wasReady) this.peerGone(peer, forGood);
    const event = error === undefined ? { address: peer.address } : { address: peer.address, error };
    this.events.emit(wasReady ? 'disconnect' : 'handshake:error', event);
    if (forGood) this.#forget(peer);
    else this.#redial(dialled);
    this.#onIdle?.();
  }

  protected assertOpen(): void {
    if (this.closed) throw new MillraceError('ERR_CLOSED', `the ${this.type} socket is closed`);
  }

  #accept(stream: net.Socket, listener: Listener): void {
    if (this.closed || listener.peers >= listener.maxPeers) {
      this.counters.peersRefused += 1;
      stream.destroy();
      return;
    }
    const peer = new Peer(this);
    listener.peers += 1;
    peer.address = listener.address;
    if (stream.remoteAddress !== undefined) peer.remote = `tcp://${stream.remoteAddress}:${stream.remotePort}`;
    this.#accepted.set(peer, listener);
    this.peers.add(peer);
    this.events.emit('accept', { address: listener.address });
    peer.connection = new Connection(this.#settings, peer, peer.queue, (reader) => adoptStream(stream, reader, this.options.copyAccepted));
  }

  #dial(dialled: Dialled): void {
    const options = connectOptions(parseEndpoint(dialled.address, 'connect'));
    const { peer } = dialled;
    peer.connection = Connection.connecting(this.#settings, peer, peer.queue, options);
  }

  #redial(dialled: Dialled): void {
    const delayMs = dialled.delay.next();
    this.counters.reconnects += 1;
    this.events.emit('connect:retry', { address: dialled.address, delayMs });
    dialled.timer = setTimeout(() => {
      dialled.timer = undefined;
      if (!dialled.stopped) this.#dial(dialled);
    }, delayMs);
  }

  #hangUp(dialled: Dialled): void {
    dialled.stopped = true;
    this.#dialled.delete(dialled.address);
    clearTimeout(dialled.timer);
    const { peer } = dialled;
    if (peer.connection !== undefined) peer.connection.fail(undefined);
    else {
      this.peerGone(peer, true);
      this.#forget(peer);
    }
  }

  #forget(peer: Peer): void {
    const listener = this.#accepted.get(peer);
    if (listener !== undefined) {
      const leave = () => {
        peer.left = undefined;
        listener.peers -= 1;
      };
      // A peer that repeatedly connects, fills its queue and disconnects is held off by its unreceived messages.
      if (peer.inbound.length > 0) peer.left = leave;
      else leave();
    }
    this.#accepted.delete(peer);
    this.peers.delete(peer);
    this.peerGone(peer, true);
    peer.discard();
    this.#gone.push(peer.counts);
    if (this.#gone.length > KEPT_COUNTS) this.#gone.shift();
  }

  #dialledBy(peer: Peer): Dialled | undefined {
    if (this.#accepted.has(peer)) return undefined;
    const dialled = this.#dialled.get(peer.address);
    return dialled?.peer === peer ? dialled : undefined;
  }

  async #close(lingerMs: number): Promise<void> {
    const error = new MillraceError('ERR_CLOSED', `the ${this.type} socket is closed`);
    this.closePattern(error);
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
    await this.#until(() => [...this.peers].every((peer) => peer.idle), lingerMs);
    for (const dialled of [...this.#dialled.values()]) {
      if (dialled.peer.connection === undefined || !dialled.peer.idle) this.#hangUp(dialled);
      else {
        dialled.stopped = true;
        this.#dialled.delete(dialled.address);
      }
    }
    for (const peer of [...this.peers]) {
      if (peer.ready && peer.idle) peer.connection?.end();
      else peer.connection?.fail(undefined);
    }
    // A peer that does not read what ends the stream is cut off.
    await this.#until(() => this.peers.size === 0, 500);
    for (const peer of [...this.peers]) peer.connection?.fail(undefined);
    await this.#until(() => this.peers.size === 0, -1);
    this.events.emit('close', { address: this.lastEndpoint ?? '' });
  }

  /** Waits for a state of the peers, which `peerDrained` and `peerClosed` may bring about. */
  async #until(reached: () => boolean, timeoutMs: number): Promise<void> {
    if (reached() || timeoutMs === 0) return;
    await new Promise<void>((resolve) => {
      const timer = timeoutMs > 0 ? setTimeout(resolve, timeoutMs) : undefined;
      this.#onIdle = () => {
        if (!reached()) return;
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onIdle = undefined;
  }
}
