import type { FrameIds } from './report.js';

/** What a thread says of frames that its sink had accepted and did not deliver. */
export interface LateReport {
  readonly lost: Readonly<Record<string, FrameIds['ranges'][string]>>;
  readonly undelivered: Readonly<Record<string, FrameIds['ranges'][string]>>;
}
