import type { FrameView } from '../../frame/frame-view.js';
import type { Lane } from './lane.js';
import type { ParcelRun } from './parcel-run.js';
import type { Taken } from './stage-inputs.js';

/** One lane of an asynchronous worker: the input that is in progress in it, and the slots that its outputs may take. */
export interface LaneTask extends Taken {
  /** The lane's number. */
  readonly at: number;
  /** When the input, or its present record, was begun; 0: it is not being processed. */
  startUs: number;
  readonly stock: FrameView[];
  lane: Lane;
  readonly parcel: ParcelRun;
  reference: number;
  outcome: number;
}
