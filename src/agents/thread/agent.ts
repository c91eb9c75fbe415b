/**
 * The duty cycle of a thread: `doWork` does one step and returns what came of it. It neither sleeps nor loops: a driver
 * calls it, sleeps where the step says so, and decides when the event loop has a turn.
 */
export interface Agent {
  doWork(): Step;
}

/** Where an agent waits: until the bell is rung, or `look` finds something. */
export interface Wait {
  readonly bell: number;
  /** The thread's bit among the sleepers of the bell. */
  readonly bit: number;
  /** Looks once more, after the bit is set. It keeps what it finds for the next step, and works on nothing. */
  look(): boolean;
}

/** The step did some work: the driver may pause before the next. */
export const WORKED = 0;
/** The step only took something in hand: the next one follows at once. */
export const TOOK = 1;
/** Nothing is left to do. */
export const ENDED = 2;

/** A promise: the next step is possible when it resolves, and the agent has failed when it rejects. */
export type Step = typeof WORKED | typeof TOOK | typeof ENDED | Wait | Promise<void>;
