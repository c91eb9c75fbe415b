import type { Delivery, Egress, HoldFrame } from '../../egress/egress.js';
import { asMillraceError } from '../../errors/errors.js';
import type { Logger } from '../../errors/logger.js';
import type { Frame } from '../../frame/frame.js';
import type { Series } from '../../frame/series.js';

/** How long after a failed attempt a sink that could not be opened is tried again. */
const RETRY_MS = 5000;

/**
 * A sink that is not required: when it cannot be opened, the run continues, and its frames are refused until it opens.
 */
export class OptionalEgress implements Egress {
  readonly #name: string;
  readonly #log: Logger;
  readonly #create: () => Egress;
  #egress: Egress | undefined;
  #opening: Promise<void> | undefined;
  #tryAt = 0;
  #detail = '';

  constructor(name: string, create: () => Egress, log: Logger) {
    this.#name = name;
    this.#create = create;
    this.#log = log;
  }

  async open(): Promise<void> {
    const egress = this.#create();
    try {
      await egress.open();
      this.#egress = egress;
    } catch (thrown) {
      const { code, message } = asMillraceError(thrown, 'ERR_SINK');
      this.#detail = message;
      this.#tryAt = performance.now() + RETRY_MS;
      this.#log.warn(
        { sink: this.#name, code },
        `sink '${this.#name}' is not required and cannot be opened: the run goes on without it: ${message}`,
      );
      await egress.close().catch(() => {});
    }
  }

  write(frames: readonly Frame[], hold?: HoldFrame): Promise<Delivery | undefined> | Delivery | undefined {
    if (this.#egress) return this.#egress.write(frames, hold);
    if (!this.#opening && performance.now() >= this.#tryAt)
      this.#opening = this.open().finally(() => {
        this.#opening = undefined;
      });
    return { refused: frames.map((_, index) => ({ index, reason: 'sink-refused' as const, detail: this.#detail })) };
  }

  startSeries(series: Series): Promise<void> | void {
    return this.#egress?.startSeries?.(series);
  }

  endSeries(series: Series): Promise<void> | void {
    return this.#egress?.endSeries?.(series);
  }

  async flush(): Promise<void> {
    await this.#opening;
    await this.#egress?.flush?.();
  }

  async close(): Promise<void> {
    await this.#opening;
    await this.#egress?.close();
  }

  peers(): ReturnType<NonNullable<Egress['peers']>> {
    return this.#egress?.peers?.() ?? [];
  }
}
