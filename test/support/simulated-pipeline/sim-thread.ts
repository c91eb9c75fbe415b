import type { Attachment } from '../../../src/agents/thread/attachment.js';

export interface Sleep {
  readonly seen: number;
  readonly sleepers: number;
  readonly bit: number;
}

/** What a thread would sleep on: a bell, and the threads that may. */
export interface Wait {
  readonly bell: number;
  readonly members: readonly number[];
}

export interface SimThread {
  readonly attachment: Attachment;
  asleep?: Sleep;
  /** One operation; what the thread waits for when there was nothing to do. */
  turn(): Wait | undefined;
  /** What is known of it from outside when it died. */
  died(): void;
  close(): void;
}

/** What the threads of a simulation share. */
export interface SimWorld {
  readonly options: { readonly frames: number; readonly records?: number };
  /** A seeded whole number from 0 to n - 1. */
  readonly random: (n: number) => number;
  /** What each sink took, in order. */
  readonly taken: Record<string, { ordinal: number; output: number }[]>;
  /** Of parcels, by ordinal: how each record ended in the worker. */
  readonly ended: Map<number, readonly number[]>;
}
