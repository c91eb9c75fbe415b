import { MillraceError } from '../../errors/errors.js';
import { encodePing } from './command.js';
import type { HandshakeResult } from './handshake.js';

export interface HeartbeatSettings {
  /** Between two PINGs; 0 sends none. */
  readonly heartbeatIntervalMs: number;
  /** The peer is given up when no byte arrives for this long after a PING; 0: use the interval. */
  readonly heartbeatTimeoutMs: number;
  /** Sent to the peer: it may give us up when it receives nothing for this long. 0: send nothing. */
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
    /** `deaf` while this side does not read: silence of the peer is then ignored. */
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

  /** The peer announced that it will send something within `ttlMs`. */
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
    this.to.silent(new MillraceError('ERR_PEER_SILENT', `the peer sent nothing for ${Math.round(silentMs)} ms`));
  }
}
