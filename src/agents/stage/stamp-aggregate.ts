import type { FrameView } from '../../frame/frame-view.js';
import { MAX_META_BYTES } from '../../frame/slot-layout.js';
import type { NumberRanges } from '../thread/number-ranges.js';

/**
 * A result says of how many frames it is, and of which: `aggregate` of its meta. Only a frame that the operator made can say
 * so; one that it hands on as it came may be read by others. Where the meta has no room left, the numbers are left out, and
 * then all of it: what the operator says goes first.
 */
export function stampAggregate(result: FrameView, frames: number, numbers: NumberRanges | undefined): void {
  const { meta } = result;
  const aggregates = [{ frames, numbers: numbers?.copy() ?? [] }, { frames }];
  for (const aggregate of aggregates) {
    result.meta = { ...meta, aggregate };
    if (result.rawMeta.length <= MAX_META_BYTES) return;
  }
  result.meta = meta;
}
