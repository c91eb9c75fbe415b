import type { Meta } from './frame.js';

/** A series as its start announced it, or, where frames came without a start, as far as it is known. */
export interface Series {
  readonly source: string;
  /** Number of the series within its source, from 1 on. */
  readonly index: number;
  /** The sender's name of it. */
  readonly id: string | number;
  /** Frames that the sender means to send. */
  readonly expected?: number;
  /** The sender's number of its first frame. */
  readonly first?: number;
  /** Keys of the start message that Millrace does not interpret. */
  readonly meta: Meta;
}

/** What begins or ends a series on the wire. */
export interface SeriesMessage {
  readonly kind: 'series-start' | 'series-end';
  readonly series: string | number;
  readonly expected?: number;
  readonly first?: number;
  readonly meta?: Meta;
}

/** How a series came to its end. */
export type SeriesEnding = 'end' | 'superseded' | 'timed-out' | 'stopped';
