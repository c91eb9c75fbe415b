import { isSeriesId } from '../../codecs/message-header.js';
import { MillraceError } from '../../errors/errors.js';
import type { FrameHeader } from '../../frame/frame.js';
import type { FrameView } from '../../frame/frame-view.js';
import type { ClaimedSlot } from './claimed-slot.js';
import type { FrameClaims } from './frame-claims.js';
import { checkMeta } from './frame-fits.js';
import type { Refusals } from './refusals.js';
import type { SourceSeries } from './source-series.js';

/** The series that a frame names, if it is another one than `open`: one whose start did not come, or not yet. */
function otherSeries({ meta }: FrameHeader, open: string | number | undefined): string | number | undefined {
  const series = meta?.series;
  return series !== undefined && series !== open && isSeriesId(series) ? series : undefined;
}

/** Commits frames that are whole, in memory or in a slot already, waiting where it must. False: the run was given up before. */
export class WholeFrames {
  readonly #claims: FrameClaims;
  readonly #series: SourceSeries;
  readonly #refusals: Refusals;

  constructor(claims: FrameClaims, series: SourceSeries, refusals: Refusals) {
    this.#claims = claims;
    this.#series = series;
    this.#refusals = refusals;
  }

  /** As `FrameWriter.write`. */
  write(header: FrameHeader, data: Uint8Array): Promise<boolean> | boolean {
    const series = otherSeries(header, this.#series.id);
    if (series !== undefined) return this.#writeInNext(series, header, data);
    let slot: ClaimedSlot | undefined;
    try {
      slot = this.#claims.claim(header);
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'ERR_MESSAGE_TOO_LARGE')) throw error;
      this.#refusals.add('too-large', error.message);
      return true;
    }
    if (!slot) return this.#writeLater(header, data);
    slot.set(data);
    const pending = slot.commit();
    return pending ? pending.then(() => true) : true;
  }

  async #writeInNext(series: string | number, header: FrameHeader, data: Uint8Array): Promise<boolean> {
    if (!(await this.#series.start({ kind: 'series-start', series }))) return false;
    return this.write(header, data);
  }

  async #writeLater(header: FrameHeader, data: Uint8Array): Promise<boolean> {
    for (;;) {
      if (this.#series.isGivenUp) return false;
      await this.#claims.ready();
      // Meanwhile another one may have been begun from outside.
      const series = otherSeries(header, this.#series.id);
      if (series !== undefined) return this.#writeInNext(series, header, data);
      const slot = this.#claims.claim(header);
      if (!slot) continue;
      slot.set(data);
      await slot.commit();
      return true;
    }
  }

  /** The same of a frame whose data is in a slot that was lent. */
  commitLent(frame: FrameView, header: FrameHeader): Promise<boolean> | boolean {
    const { slots, committer, parcel } = this.#claims;
    try {
      checkMeta(header);
    } catch (error) {
      slots.putBack(frame);
      this.#refusals.add('too-large', (error as MillraceError).message);
      return true;
    }
    parcel?.flush();
    if (otherSeries(header, this.#series.id) !== undefined || this.#claims.obstacle()) return this.#commitLentLater(frame, header);
    committer.describe(frame, header);
    const pending = committer.commit(frame, header.sequence !== undefined);
    return pending ? pending.then(() => true) : true;
  }

  async #commitLentLater(frame: FrameView, header: FrameHeader): Promise<boolean> {
    const { slots, committer } = this.#claims;
    for (;;) {
      const obstacle = this.#claims.obstacle();
      if (obstacle) await obstacle;
      const series = otherSeries(header, this.#series.id);
      if (this.#series.isGivenUp || (series !== undefined && !(await this.#series.start({ kind: 'series-start', series })))) {
        slots.putBack(frame);
        return false;
      }
      if (series !== undefined || this.#claims.obstacle()) continue;
      committer.describe(frame, header);
      await committer.commit(frame, header.sequence !== undefined);
      return true;
    }
  }
}
