import { setImmediate as nextTurn } from 'node:timers/promises';

const DONE = Promise.resolve();
const SENDS = 256;

/**
 * What a send gives back that never waits for room. Once in a while it takes a turn of the event loop: a loop of `await send(...)`
 * runs in microtasks alone, and no stream would be read or written for as long as it goes.
 */
export class EventTurn {
  #sends = 0;

  done(crowded = false): Promise<void> {
    this.#sends += 1;
    if (!crowded && this.#sends < SENDS) return DONE;
    this.#sends = 0;
    return nextTurn();
  }
}
