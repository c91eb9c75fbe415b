import type { FrameView } from '../../frame/frame-view.js';
import type { Lane, OutputStock } from './lane.js';
import type { ParcelRun } from './parcel-run.js';

/** When the first of the frames that are being processed was begun; 0 when there is none. */
export function oldest(lanes: ReadonlySet<LaneTask>): number {
  let first = 0;
  for (const { startUs } of lanes) if (startUs !== 0 && (first === 0 || startUs < first)) first = startUs;
  return first;
}

/** What a worker works on: the frames of its reference; where it joins, those of the event and the references of the other inputs. */
export interface Taken {
  readonly inputs: FrameView[];
  readonly joined: FrameView[];
  readonly partners: number[];
}

/** One frame under way in an asynchronous worker, and the slots that its outputs may take. */
export interface LaneTask extends Taken {
  startUs: number;
  readonly stock: FrameView[];
  chain: Lane;
  readonly parcel: ParcelRun;
  reference: number;
  outcome: number;
}

export function stockOf(stock: FrameView[]): OutputStock {
  return { take: () => stock.pop(), putBack: (frame) => stock.push(frame) };
}
