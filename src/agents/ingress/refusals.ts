import { type Logger, RateLimiter } from '../../errors/logger.js';
import type { RefuseReason } from '../../ingress/ingress.js';
import { OUTCOME } from '../../observe/outcome.js';
import type { Attachment } from '../thread/attachment.js';

/** Counts messages that became no frame, and logs them at a limited rate. */
export class Refusals {
  readonly #attachment: Attachment;
  readonly #name: string;
  readonly #log: Logger;
  readonly #limiter = new RateLimiter();

  /** `name`: of the source. */
  constructor(attachment: Attachment, name: string, log: Logger) {
    this.#attachment = attachment;
    this.#name = name;
    this.#log = log;
  }

  add(reason: RefuseReason, detail: string): void {
    this.#attachment.gated.refuse(OUTCOME[reason]);
    const suppressed = this.#limiter.admit(reason);
    if (suppressed >= 0)
      this.#log.warn({ source: this.#name, reason, suppressed }, `source '${this.#name}' refused a message (${reason}): ${detail}`);
  }
}
