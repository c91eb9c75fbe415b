import type { FrameView } from '../../frame/frame-view.js';
import type { JoinParams } from '../../operators/join.js';

/** What frames are joined by. */
export type JoinKey = Pick<FrameView, 'ordinal' | 'sequence' | 'series' | 'timestamp'>;

const LIMIT = 2 ** 32;

/** Numbers of 32 bits may wrap; larger ones do not. */
function difference(a: number, b: number): number {
  return a < LIMIT && b < LIMIT && a >= 0 && b >= 0 ? (a - b) | 0 : a - b;
}

/** Below 0: `a` comes before `b`; 0: they are of one event. Where both sources have series, the series goes before the number. */
function compare(by: JoinParams['by'], a: JoinKey, b: JoinKey): number {
  if (by === 'timestamp') return a.timestamp - b.timestamp;
  if (by === 'ordinal') return (a.ordinal - b.ordinal) | 0;
  if (a.series !== 0 && b.series !== 0 && a.series !== b.series) return (a.series - b.series) | 0;
  return difference(a.sequence, b.sequence);
}

export const isEarlier = (by: JoinParams['by'], a: JoinKey, b: JoinKey): boolean => compare(by, a, b) < 0;

/** Whether `other` is of one event with `earliest`, which comes first of all that are here. Tolerance in seconds. */
export function meets(by: JoinParams['by'], earliest: JoinKey, other: JoinKey, tolerance: number): boolean {
  const apart = compare(by, other, earliest);
  return by === 'timestamp' ? apart <= tolerance : apart === 0;
}
