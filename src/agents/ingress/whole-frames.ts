import { isSeriesId } from '../../codecs/message-header.js';
import { MillraceError } from '../../errors/errors.js';
import type { FrameHeader } from '../../frame/frame.js';
import type { FrameWriter } from '../../ingress/ingress.js';
import type { ClaimedSlot } from './claimed-slot.js';

/** What takes frames that are whole already. */
export interface FrameTaker extends Pick<FrameWriter, 'ready' | 'startSeries' | 'refuse'> {
  readonly seriesId: string | number | undefined;
  /** The run, or its source, was given up: nothing more is taken. */
  readonly isGivenUp: boolean;
  claim(header: FrameHeader): ClaimedSlot | undefined;
}

/** The series that a frame names, if it is another one than `open`: one whose start did not come, or not yet. */
export function otherSeries({ meta }: FrameHeader, open: string | number | undefined): string | number | undefined {
  const series = meta?.series;
  return series !== undefined && series !== open && isSeriesId(series) ? series : undefined;
}

/** Copies frames that are whole in memory into slots, waiting where it must. */
export class WholeFrames {
  readonly #taker: FrameTaker;

  constructor(taker: FrameTaker) {
    this.#taker = taker;
  }

  /** As `FrameWriter.write`. */
  write(header: FrameHeader, data: Uint8Array): Promise<boolean> | boolean {
    const series = otherSeries(header, this.#taker.seriesId);
    if (series !== undefined) return this.#writeInNext(series, header, data);
    let slot: ClaimedSlot | undefined;
    try {
      slot = this.#taker.claim(header);
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'ERR_MESSAGE_TOO_LARGE')) throw error;
      this.#taker.refuse('too-large', error.message);
      return true;
    }
    if (!slot) return this.#writeLater(header, data);
    slot.set(data);
    const pending = slot.commit();
    return pending ? pending.then(() => true) : true;
  }

  async #writeInNext(series: string | number, header: FrameHeader, data: Uint8Array): Promise<boolean> {
    if (!(await this.#taker.startSeries({ kind: 'series-start', series }))) return false;
    return this.write(header, data);
  }

  async #writeLater(header: FrameHeader, data: Uint8Array): Promise<boolean> {
    for (;;) {
      if (this.#taker.isGivenUp) return false;
      await this.#taker.ready();
      // Meanwhile another one may have been begun from outside.
      const series = otherSeries(header, this.#taker.seriesId);
      if (series !== undefined) return this.#writeInNext(series, header, data);
      const slot = this.#taker.claim(header);
      if (!slot) continue;
      slot.set(data);
      await slot.commit();
      return true;
    }
  }
}
