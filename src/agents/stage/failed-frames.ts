import { causeOf } from '../../dead-letters/cause.js';
import { LetterBox } from '../../dead-letters/letter-box.js';
import { type Logger, RateLimiter } from '../../errors/logger.js';
import type { FrameView } from '../../frame/frame-view.js';
import { OUTCOME } from '../../observe/outcome.js';
import type { Attachment } from '../thread/attachment.js';
import { failureOutcome } from './lane.js';

/** Frames on which the operators of a stage failed for good: logged at a limited rate, and kept where dead frames are. */
export class FailedFrames {
  readonly #attachment: Attachment;
  readonly #stage: string;
  readonly #log: Logger;
  readonly #limiter = new RateLimiter();
  readonly #letters: LetterBox | undefined;

  constructor(attachment: Attachment, stage: string, log: Logger) {
    this.#attachment = attachment;
    this.#stage = stage;
    this.#log = log;
    const { deadLetters } = attachment.plan;
    this.#letters = deadLetters && new LetterBox(deadLetters, attachment.arena.words, attachment.thread, log);
  }

  /** Frames that counted as merged, and are in no result. */
  lostWithAggregate(source: number, frames: number): void {
    const suppressed = this.#limiter.admit('partial-lost');
    if (suppressed < 0) return;
    const name = this.#attachment.sourceNames[source]!;
    const text = `stage '${this.#stage}' lost ${frames} merged frames of '${name}': no result holds them`;
    this.#log.error({ stage: this.#stage, source: name, frames, suppressed }, text);
  }

  /** The outcome that they are settled with. */
  add(error: unknown, inputs: readonly FrameView[], attempts: number): number {
    const input = inputs[0]!;
    const outcome = failureOutcome(error);
    const cause = causeOf(error, 'ERR_OPERATOR');
    const suppressed = this.#limiter.admit(outcome);
    if (suppressed >= 0) {
      const fields = {
        stage: this.#stage,
        source: input.source,
        ordinal: input.ordinal,
        attempts,
        reason: outcome,
        code: cause.code,
        suppressed,
        stack: cause.stack,
      };
      this.#log.error(fields, `stage '${this.#stage}' failed on frame ${input.sequence}: ${cause.message}`);
    }
    // Durable before the frame is settled. After an abort it stays in flight.
    if (!this.#attachment.aborted)
      this.#letters?.write(() => (input.joined ?? inputs).filter(({ empty }) => !empty), {
        node: this.#stage,
        outcome,
        attempts,
        cause,
      });
    return OUTCOME[outcome];
  }
}
