import { MillraceError } from '../../errors/errors.js';
import { encodePing } from './command.js';
import type { HandshakeResult } from './handshake.js';

export interface HeartbeatSettings {
  /** Between two PINGs; 0 sends none. */
  readonly heartbeatIntervalMs: number;
  /** Without a byte for so long after a PING the peer is given up; 0 takes the interval. */
  readonly heartbeatTimeoutMs: number;
  /** What the peer is told: it may give us up when it hears nothing for so long. 0 says nothing. */
  readonly heartbeatTtlMs: number;
}

/** Liveness of one connection: PING out, silence noticed, and the promise that the peer's own PING makes. */
export class Heartbeat {
  #heardAt = 0;
  #ttlMs = 0;
  #interval: NodeJS.Timeout | undefined;
  #watch: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly settings: HeartbeatSettings,
    /** `deaf` while this side does not read: a peer cannot be heard then, and is not given up for it. */
    private readonly to: { readonly deaf: boolean; ping(bytes: Buffer): void; silent(error: MillraceError): void },
  ) {}

  start(result: HandshakeResult): void {
    const { heartbeatIntervalMs, heartbeatTimeoutMs, heartbeatTtlMs } = this.settings;
    if (heartbeatIntervalMs <= 0 || result.major < 3 || result.minor < 1) return;
    this.heard();
    const patienceMs = heartbeatTimeoutMs || heartbeatIntervalMs;
    this.#interval = setInterval(() => {
      const silentMs = this.#silentMs();
      if (silentMs > heartbeatIntervalMs + patienceMs) this.#giveUp(silentMs);
      else this.to.ping(encodePing(heartbeatTtlMs));
    }, heartbeatIntervalMs);
    this.#interval.unref();
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  /** The peer said that it will be heard again within `ttlMs`. */
  promised(ttlMs: number): void {
    if (this.#stopped || ttlMs === this.#ttlMs) return;
    this.#ttlMs = ttlMs;
    clearTimeout(this.#watch);
    if (ttlMs > 0) this.#watchFor(ttlMs);
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#interval);
    clearTimeout(this.#watch);
  }

  #watchFor(delayMs: number): void {
    this.#watch = setTimeout(() => {
      const silentMs = this.#silentMs();
      if (silentMs >= this.#ttlMs) this.#giveUp(silentMs);
      else this.#watchFor(this.#ttlMs - silentMs + 1);
    }, delayMs);
    this.#watch.unref();
  }

  #silentMs(): number {
    if (this.to.deaf) this.heard();
    return performance.now() - this.#heardAt;
  }

  #giveUp(silentMs: number): void {
    this.to.silent(new MillraceError('ERR_PEER_SILENT', `nothing was heard of the peer for ${Math.round(silentMs)} ms`));
  }
}
