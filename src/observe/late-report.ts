import type { FrameIds } from './report.js';

/** A thread's report of frames that its sink accepted but did not deliver. */
export interface LateReport {
  readonly lost: Readonly<Record<string, FrameIds['ranges'][string]>>;
  readonly undelivered: Readonly<Record<string, FrameIds['ranges'][string]>>;
}
