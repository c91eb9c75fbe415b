import { viewArena } from '../../frame/arena-views.js';
import { FrameView } from '../../frame/frame-view.js';
import { ParcelReader } from '../../frame/parcel-reader.js';
import { SLOT } from '../../frame/slot-layout.js';
import type { Plan } from '../../plan/plan-types.js';
import { EMPTY } from '../../ring/ring-layout.js';
import { unpack } from './unpack.js';

/**
 * The frames of a slot and of its chain, read by a thread that does not hold them, while the gate is closed and no
 * thread frees a slot. The views stay valid until then.
 */
export function readSlots(memory: WebAssembly.Memory, plan: Plan, first: number): FrameView[] {
  const arena = viewArena(memory);
  const names = plan.sources.map(({ name }) => name);
  const frames: FrameView[] = [];
  for (let slot = first, left = plan.slots; slot !== EMPTY && left > 0; left--) {
    const header = plan.headers + slot * plan.stride;
    const pool = plan.pools.find((one) => slot >= one.firstSlot && slot < one.firstSlot + one.slots)!;
    const payload = arena.words[(header + SLOT.payload) >>> 2]! >>> 0;
    const frame = new FrameView(arena, slot, header, payload, pool.maxDataBytes).load(names);
    if (frame.records > 0) unpack([frame], new ParcelReader(arena), frames, arena, frames.length);
    else if (!frame.empty) frames.push(frame);
    slot = arena.words[(header + SLOT.next) >>> 2]!;
  }
  return frames;
}
