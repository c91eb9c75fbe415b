import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** From this share of the processors on, other work has disturbed a measurement. */
export const DISTURBED = 0.08;

/** Linux counts processor time in hundredths of a second here, on every architecture (`USER_HZ`, proc(5)). */
const TICKS_PER_S = 100;

/**
 * How much of the processors other processes used since an object of this class was made: the time in which the machine
 * was busy, or was not given its processors by the host, less what this process and its ended children used.
 * Source: /proc/stat and /proc/self/stat, proc(5). The share is undefined where these do not exist.
 */
export class OtherWork {
  readonly #startMs = performance.now();
  readonly #startTicks = otherTicks();

  /** 0 to 1 of all processors. */
  share(): number | undefined {
    const now = otherTicks();
    if (now === undefined || this.#startTicks === undefined) return undefined;
    const seconds = (performance.now() - this.#startMs) / 1e3;
    return Math.max(0, (now - this.#startTicks) / TICKS_PER_S / seconds / availableParallelism());
  }
}

function otherTicks(): number | undefined {
  try {
    const [user, nice, system, , , irq, softIrq, steal] = numbers(readFileSync('/proc/stat', 'latin1').split('\n', 1)[0]!);
    // The name of the command stands in parentheses and may hold spaces: the numbers start behind it, with the parent's id.
    const self = numbers(readFileSync('/proc/self/stat', 'latin1').replace(/^.*\) \S/s, ''));
    const [ownUser, ownSystem, childUser, childSystem] = self.slice(10, 14);
    return user! + nice! + system! + irq! + softIrq! + steal! - ownUser! - ownSystem! - childUser! - childSystem!;
  } catch {
    return undefined;
  }
}

const numbers = (line: string): number[] => (line.match(/-?\d+/g) ?? []).map(Number);
