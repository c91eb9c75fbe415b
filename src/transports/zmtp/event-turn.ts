import { setImmediate as nextTurn } from 'node:timers/promises';

const DONE = Promise.resolve();
const SENDS = 256;

/**
 * The result of a send that never waits for room. From time to time it takes a turn of the event loop: a loop of `await
 * send(...)` runs only in microtasks, so that no stream would be read or written during the loop.
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
