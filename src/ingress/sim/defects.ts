import type { Simulation } from './options.js';
import { Random } from './random.js';

/** Stream of the generator that places dead pixels; frames use their own number. */
const DEFECT_STREAM = -2;
/** One pixel in this many is dead. */
const PIXELS_PER_DEAD = 2000;

export const GOOD = 0;
export const DEAD = 1;
export const GAP = 2;

/** Per pixel GOOD, DEAD (shows 0) or GAP (rows between two modules); the same for all frames of a seed. */
export function defects({ height, width, seed }: Simulation): Uint8Array {
  const map = new Uint8Array(height * width);
  const random = new Random(seed, DEFECT_STREAM);
  for (let left = Math.ceil(map.length / PIXELS_PER_DEAD); left > 0; left--) map[Math.floor(random.uniform() * map.length)] = DEAD;
  const rows = Math.max(1, Math.round(height / 64));
  // Above the middle, so that a centred beam hits a module.
  const first = Math.floor(height * 0.62);
  map.fill(GAP, first * width, Math.min(height, first + rows) * width);
  return map;
}
