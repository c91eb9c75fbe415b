import type net from 'node:net';
import { asMillraceError, MillraceError } from '../../errors/errors.js';
import { connectStream, type StreamReader } from './byte-stream.js';
import { broken, type Command, decodeCommand, decodePing, encodeCommand } from './command.js';
import { CommandBudget } from './command-budget.js';
import { FLAG_COMMAND, FLAG_MORE } from './frame-layout.js';
import type { FrameMemory } from './frame-memory.js';
import { FrameParser } from './frame-parser.js';
import { Handshake, type HandshakeResult, type HandshakeSettings } from './handshake.js';
import { Heartbeat, type HeartbeatSettings } from './heartbeat.js';
import { COMMAND_LIMIT_BYTES, type Limits } from './limits.js';
import { MessageAssembly } from './message-assembly.js';
import type { SendQueue } from './send-queue.js';
import { StreamWriter } from './stream-writer.js';
import type { UnfinishedMessages } from './unfinished-messages.js';

/** The owner of a connection. Called from the reads of the socket; an exception ends the connection. */
export interface ConnectionOwner {
  established(connection: Connection): void;
  message(parts: Buffer[], bytes: number): void;
  /** As `MessageOwner.oversized`. */
  oversized(bytes: number): boolean;
  subscription(topic: Buffer, subscribe: boolean): void;
  /** The socket took messages of the queue. */
  drained(): void;
  /** Comes once, when the kernel reads and writes none of our memory any more. */
  closed(connection: Connection, error: MillraceError | undefined, lostMessages: number): void;
}

export interface ConnectionSettings extends HandshakeSettings, HeartbeatSettings {
  readonly limits: Limits;
  readonly frames: FrameMemory | undefined;
  readonly unfinished: UnfinishedMessages;
}

// Reads are synchronous, so all connections of a thread share the buffer that small frames are parsed from.
const READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1024);
// After a large body, the next head is read with few bytes after it: bytes of the next body that come along have to be
// copied.
const AFTER_LARGE = READ_BUFFER.subarray(0, 4 * 1024);
// A body with fewer remaining bytes than this does not justify a read of its own.
const DIRECT_BYTES = 8 * 1024;

const PAUSED_BY_OWNER = 1;
const PAUSED_FOR_MEMORY = 2;
const PAUSED_FOR_COMMANDS = 4;

/** One peer over one stream: the handshake, then messages both ways, until either side ends it. */
export class Connection implements StreamReader {
  readonly #owner: ConnectionOwner;
  readonly #handshake: Handshake;
  readonly #assembly: MessageAssembly;
  readonly #heartbeat: Heartbeat;
  readonly #writer: StreamWriter;
  readonly #unfinished: UnfinishedMessages;
  readonly #commands = new CommandBudget();
  #commandTimer: NodeJS.Timeout | undefined;
  /** As the socket's account has it. */
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #socket: net.Socket | undefined;
  #parser: FrameParser | undefined;
  #result: HandshakeResult | undefined;
  #error: MillraceError | undefined;
  #paused = 0;
  #pending: Buffer | undefined;
  #afterLarge = false;
  #ended = false;

  /** @param open makes the stream and hands it this connection as its reader */
  constructor(settings: ConnectionSettings, owner: ConnectionOwner, queue: SendQueue, open: (reader: StreamReader) => net.Socket) {
    this.#owner = owner;
    this.#handshake = new Handshake(settings);
    this.#assembly = new MessageAssembly(settings.limits, settings.frames, owner);
    this.#heartbeat = new Heartbeat(settings, this);
    this.#writer = new StreamWriter(queue, owner);
    this.#unfinished = settings.unfinished;
    const { handshakeTimeoutMs } = settings.limits;
    if (handshakeTimeoutMs > 0) {
      this.#timer = setTimeout(() => {
        this.fail(new MillraceError('ERR_PEER_SILENT', `no handshake within ${handshakeTimeoutMs} ms`));
      }, handshakeTimeoutMs);
    }
    const socket = open(this);
    this.#socket = socket;
    if (typeof socket.setNoDelay === 'function') socket.setNoDelay(true);
    socket.on('error', (error) => this.fail(asMillraceError(error, 'ERR_PEER_REFUSED', 'the stream failed')));
    socket.on('close', () => this.#close());
    if (socket.connecting) socket.once('connect', () => socket.write(this.#handshake.open()));
    else socket.write(this.#handshake.open());
  }

  static connecting(settings: ConnectionSettings, owner: ConnectionOwner, queue: SendQueue, options: net.NetConnectOpts): Connection {
    return new Connection(settings, owner, queue, (reader) => connectStream(options, reader));
  }

  /** The result of the handshake, once it is complete. */
  get result(): HandshakeResult | undefined {
    return this.#result;
  }

  /** True when the peer takes subscriptions as commands (ZMTP 3.1). */
  get commandsSubscriptions(): boolean {
    const result = this.#result;
    return result !== undefined && result.major === 3 && result.minor >= 1;
  }

  /** Something was put into the queue. */
  schedule(): void {
    this.#writer.schedule();
  }

  /** Whole frames, written before the queue. */
  sendControl(bytes: Buffer): void {
    this.#writer.control(bytes);
  }

  pause(): void {
    this.#paused |= PAUSED_BY_OWNER;
  }

  resume(): void {
    this.#resume(PAUSED_BY_OWNER);
  }

  /** Asks for memory again if this peer waits for it. */
  resumeFrames(): void {
    if ((this.#paused & PAUSED_FOR_MEMORY) !== 0) this.#resume(PAUSED_FOR_MEMORY);
  }

  /** Writes the queue and then ends the stream. */
  end(): void {
    this.#writer.end();
  }

  /** Ends the connection at once; `closed` follows. */
  fail(error: MillraceError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    clearTimeout(this.#timer);
    clearTimeout(this.#commandTimer);
    this.#account(0);
    this.#heartbeat.stop();
    this.#writer.stop();
    this.#socket?.destroy();
  }

  next(): Buffer {
    const parser = this.#parser;
    if (parser !== undefined && this.#paused === 0 && parser.missingBytes >= DIRECT_BYTES) {
      this.#afterLarge = true;
      return parser.target()!;
    }
    return this.#afterLarge ? AFTER_LARGE : READ_BUFFER;
  }

  read(countBytes: number, memory: Buffer): boolean {
    if (this.#ended) return false;
    this.#heartbeat.heard();
    try {
      if (memory === READ_BUFFER || memory === AFTER_LARGE) {
        // A full short read of small frames: back to the long ones.
        if (memory === AFTER_LARGE && countBytes === AFTER_LARGE.length) this.#afterLarge = false;
        this.#take(memory, countBytes);
      } else this.#parser!.advance(countBytes);
    } catch (thrown) {
      this.#breakOff(thrown);
    }
    this.#account(this.#assembly.heldBytes);
    this.#payForCommands();
    return this.#paused === 0 && !this.#ended;
  }

  /** A command, or a message that is one. */
  spendCommand(): void {
    this.#commands.spend();
  }

  #account(heldBytes: number): void {
    const bytes = this.#ended ? 0 : heldBytes;
    if (bytes === this.#heldBytes) return;
    this.#heldBytes = bytes;
    this.#unfinished.set(this, bytes);
  }

  #payForCommands(): void {
    const debtMs = this.#commands.debtMs();
    if (debtMs === 0 || this.#ended) return;
    this.#paused |= PAUSED_FOR_COMMANDS;
    this.#commandTimer ??= setTimeout(() => {
      this.#commandTimer = undefined;
      this.#resume(PAUSED_FOR_COMMANDS);
    }, debtMs);
  }

  #take(bytes: Buffer, end: number): void {
    let offset = 0;
    while (this.#parser === undefined) {
      const step = this.#handshake.greet(bytes, offset, end);
      if (step.reply !== undefined) this.#socket!.write(step.reply);
      if (step.greeted) this.#parser = new FrameParser(this, step.knownFlags);
      offset = step.offset;
      if (offset === end) break;
    }
    if (this.#parser === undefined) return;
    offset = this.#parser.push(bytes, offset, end);
    if (this.#paused & PAUSED_FOR_MEMORY) this.#pending = Buffer.from(bytes.subarray(offset, end));
  }

  #resume(reason: number): void {
    if ((this.#paused & reason) === 0 || this.#ended) return;
    this.#paused &= ~reason;
    if (this.#paused !== 0) return;
    const pending = this.#pending;
    this.#pending = undefined;
    try {
      if (pending !== undefined) this.#take(pending, pending.length);
    } catch (thrown) {
      this.#breakOff(thrown);
    }
    if (this.#paused !== 0 || this.#ended) return;
    this.#heartbeat.heard();
    this.#socket!.resume();
  }

  #breakOff(thrown: unknown): void {
    const farewell = (thrown as { farewell?: Buffer }).farewell;
    if (farewell !== undefined) this.#socket!.write(farewell);
    this.fail(asMillraceError(thrown, 'ERR_PEER_PROTOCOL'));
  }

  // --- operations of the heartbeat ---

  get deaf(): boolean {
    return this.#paused !== 0;
  }

  ping(bytes: Buffer): void {
    this.#writer.ping(bytes);
  }

  silent(error: MillraceError): void {
    this.fail(error);
  }

  // --- frames, as the parser finds them ---

  head(flags: number, lengthBytes: number): boolean {
    if ((flags & FLAG_COMMAND) !== 0) {
      if (lengthBytes > COMMAND_LIMIT_BYTES) throw new MillraceError('ERR_PEER_LIMIT', `the peer sent a command of ${lengthBytes} bytes`);
    } else if (this.#result === undefined) this.#handshake.checkFrame(flags, lengthBytes);
    else return this.#assembly.admit((flags & FLAG_MORE) !== 0, lengthBytes);
    return true;
  }

  whole(flags: number, bytes: Buffer, start: number, end: number): boolean {
    if ((flags & FLAG_COMMAND) !== 0) this.#command(decodeCommand(bytes.subarray(start, end)));
    else if (this.#result === undefined) this.#settle(this.#handshake.identity(bytes.subarray(start, end)));
    else return this.#assembly.whole((flags & FLAG_MORE) !== 0, bytes, start, end);
    return true;
  }

  memory(flags: number, lengthBytes: number): Buffer | undefined {
    if ((flags & FLAG_COMMAND) !== 0 || this.#result === undefined) return Buffer.allocUnsafeSlow(lengthBytes);
    const memory = this.#assembly.memory(lengthBytes);
    if (memory === undefined) this.#paused |= PAUSED_FOR_MEMORY;
    return memory;
  }

  filled(flags: number, memory: Buffer): void {
    if ((flags & FLAG_COMMAND) !== 0) this.#command(decodeCommand(memory));
    else if (this.#result === undefined) this.#settle(this.#handshake.identity(memory));
    else this.#assembly.filled((flags & FLAG_MORE) !== 0, memory);
  }

  #command(command: Command): void {
    if (this.#result === undefined) {
      const step = this.#handshake.command(command);
      if (step.reply !== undefined) this.#socket!.write(step.reply);
      if (step.result !== undefined) this.#settle(step.result);
      return;
    }
    this.#commands.spend();
    switch (command.name) {
      case 'SUBSCRIBE':
        this.#owner.subscription(command.data, true);
        return;
      case 'CANCEL':
        this.#owner.subscription(command.data, false);
        return;
      case 'PING': {
        const { ttlMs, context } = decodePing(command.data);
        this.#heartbeat.promised(ttlMs);
        // Only the latest waits: a peer that floods with PING and reads nothing costs no memory.
        this.#writer.pong(encodeCommand('PONG', context));
        return;
      }
      case 'ERROR':
        throw this.#handshake.refusal(command);
      case 'READY':
        throw broken('READY after the handshake');
      default: // PONG counts as a sign of life like any byte; commands unknown to this version are skipped.
    }
  }

  #settle(result: HandshakeResult): void {
    clearTimeout(this.#timer);
    this.#result = result;
    this.#heartbeat.start(result);
    this.#owner.established(this);
    if (!this.#ended) this.#writer.start(this.#socket!);
  }

  #close(): void {
    const early = !this.#ended && this.#result === undefined;
    this.fail(early ? new MillraceError('ERR_PEER_REFUSED', 'the peer ended the stream during the handshake') : undefined);
    this.#assembly.abandon();
    this.#pending = undefined;
    this.#owner.closed(this, this.#error, this.#writer.lose());
  }
}
