import type { Meta } from './frame.js';

/** A series as announced by its start, or, for frames without a start, as far as it is known. */
export interface Series {
  readonly source: string;
  /** Number of the series within its source, from 1. */
  readonly index: number;
  /** The sender's name of the series. */
  readonly id: string | number;
  /** Number of frames that the sender announces. */
  readonly expected?: number;
  /** The sender's number of its first frame. */
  readonly first?: number;
  /** Keys of the start message that Millrace does not interpret. */
  readonly meta: Meta;
}

/** The start or end of a series in a message. */
export interface SeriesMessage {
  readonly kind: 'series-start' | 'series-end';
  readonly series: string | number;
  readonly expected?: number;
  readonly first?: number;
  readonly meta?: Meta;
}

/** How a series ended. */
export type SeriesEnding = 'end' | 'superseded' | 'timed-out' | 'stopped';
