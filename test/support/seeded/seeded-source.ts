import { IngressAgent } from '../../../src/agents/ingress/ingress-agent.js';
import { type Agent, ENDED, type Step, WORKED } from '../../../src/agents/thread/agent.js';
import type { Attachment } from '../../../src/agents/thread/attachment.js';
import { SILENT } from '../../../src/errors/logger.js';
import type { SourceNode } from '../../../src/plan/plan-types.js';
import { LEDGER, LINE, SOURCE } from '../../../src/ring/ring-layout.js';

/** The one step of a refusal. */
export const REFUSING = 75;

/** A word that says which message of which source a frame is. */
export const markOf = (sequence: number, source: number): number => (Math.imul(sequence, 8) + source) | 0;

const RECORDS_OF_A_PARCEL = 2;

export interface SeededSourceOptions {
  /** Messages to send. */
  readonly frames: number;
  /** Messages that a parcel holds. */
  readonly records?: number;
  /** Where it refuses messages in between, and counts what is settled when the die says so. */
  readonly random?: (n: number) => number;
}

/** A source that sends so many messages through the real agent, one a step, then ends. It goes on where one before it died. */
export class SeededSource implements Agent {
  /** All was sent, and is settled. */
  isFinished = false;
  readonly #ingress: IngressAgent;
  readonly #attachment: Attachment;
  readonly #source: SourceNode;
  readonly #options: SeededSourceOptions;
  /** Time that passes for this source alone, so that its parcels go. */
  #passedUs = 0;
  #sent: number;
  #hasBegun = false;

  constructor(attachment: Attachment, source: SourceNode, options: SeededSourceOptions) {
    const { nowUs } = attachment;
    this.#attachment = Object.assign(attachment, { nowUs: () => nowUs() + this.#passedUs });
    this.#source = source;
    this.#options = options;
    this.#ingress = new IngressAgent(attachment, source, SILENT, new AbortController().signal);
    this.#sent = source.parcel ? this.ledger(LEDGER.records) : (this.ledger(LEDGER.given) - attachment.plan.startOrdinal) | 0;
  }

  /** A word of the live bank of the ledger. */
  ledger(word: number): number {
    const record = this.#attachment.word(this.#attachment.line + LINE.record);
    const bank = this.#source.block + SOURCE.banks + ((record >>> 1) & 1) * SOURCE.bankBytes;
    return this.#attachment.word(bank + 4 * word);
  }

  /** Messages that were received. */
  get received(): number {
    return this.ledger(LEDGER.received) >>> 0;
  }

  get inFlight(): number {
    return (this.ledger(LEDGER.given) - this.ledger(LEDGER.low)) | 0;
  }

  doWork(): Step {
    if (this.isFinished) return ENDED;
    if (!this.#hasBegun) return this.#begin();
    const { frames, random } = this.#options;
    if (random?.(3) === 0) return this.#ingress.doWork();
    if (this.#sent >= frames) return this.#finish();
    if (random && (random(16) === 0 || this.#attachment.word(this.#attachment.line + LINE.faultStep) === REFUSING)) return this.#refuse();
    return this.#send();
  }

  async #begin(): Promise<void> {
    await this.#ingress.begin();
    this.#hasBegun = true;
  }

  #refuse(): Step {
    this.#ingress.refuse('malformed', 'test');
    return WORKED;
  }

  #send(): Step {
    const { records = RECORDS_OF_A_PARCEL } = this.#options;
    const sequence = (this.#attachment.plan.startOrdinal + this.#sent) >>> 0;
    // A few frames of one key, behind one another.
    const slot = this.#ingress.claim({ dtype: 'uint8', shape: [1, 16], meta: { key: (sequence >>> 1) % 5 } });
    if (!slot) return this.#ingress.ready();
    this.#sent++;
    const { bytes } = slot;
    new Int32Array(bytes.buffer, bytes.byteOffset, 1)[0] = markOf(sequence, this.#source.index);
    if (this.#source.parcel && this.#sent % records === 0) this.#passedUs += 1e6;
    return slot.commit() ?? WORKED;
  }

  async #finish(): Promise<void> {
    await this.#ingress.finish();
    this.isFinished = true;
  }

  close(): void {
    this.#ingress.close();
  }
}
