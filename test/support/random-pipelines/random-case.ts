import type { Weights } from '../operators/random-fates.mjs';

/**
 * A random pipeline and what happens to it: plain data, so that it can be printed and run again. What it refers to by number
 * is meant modulo what there is; `describe-case.ts` makes a description of it that leads somewhere.
 */
export interface RandomCase {
  readonly sources: readonly SourceCase[];
  readonly stages: readonly StageCase[];
  readonly sinks: readonly SinkCase[];
  readonly kills: readonly KillCase[];
  readonly end: EndCase;
}

export interface SourceCase {
  readonly kind: 'sim' | 'push';
  readonly frames: number;
  /** Frames a second of `sim`; 0: as fast as they are taken. */
  readonly rate: number;
  readonly parcel: boolean;
  /** Frames of a series of `sim`; 0: there are none. */
  readonly series: number;
}

export interface EdgeCase {
  readonly overflow: 'block' | 'drop-newest' | 'drop-oldest' | 'latest' | { readonly sample: number };
  readonly capacity: number;
  readonly order: 'preserve' | 'none';
}

export interface StageCase {
  /** `merge`: of every so many frames, one worker; `collect`: by partials, of a series or source. */
  readonly kind: 'work' | 'async' | 'merge' | 'collect' | 'join-ordinal' | 'join-frame';
  readonly from: readonly number[];
  readonly workers: number;
  readonly choice: 'none' | 'ordinal' | 'source' | 'meta' | 'deterministic';
  readonly weights: Weights;
  readonly salt: number;
  readonly every: number;
  readonly edge: EdgeCase;
}

export interface SinkCase {
  readonly kind: 'iterate' | 'file' | 'null';
  readonly from: readonly number[];
  readonly edge: EdgeCase;
  /** What an `iterate` sink takes for each frame. */
  readonly delayMs: number;
}

/** The thread of a node ends as in a crash. */
export interface KillCase {
  readonly atMs: number;
  readonly node: 'source' | 'worker' | 'sink';
  readonly which: number;
}

export type EndCase =
  | { readonly kind: 'natural' }
  | { readonly kind: 'stop' | 'abort' | 'deadline' | 'sink-failure'; readonly atMs: number }
  | { readonly kind: 'reader-leaves'; readonly after: number };
