import type { ArenaViews } from '../../frame/arena-views.js';
import { FrameView } from '../../frame/frame-view.js';
import type { ParcelReader } from '../../frame/parcel-reader.js';

/** Views of all records of some parcels, into an array that the caller keeps and that only grows. How many there are. */
export function unpack(parcels: readonly FrameView[], reader: ParcelReader, views: FrameView[], arena: ArenaViews, from = 0): number {
  let count = from;
  for (let i = 0; i < parcels.length; i++) {
    const parcel = parcels[i]!;
    parcel.unpack(reader);
    while (reader.next()) {
      let view = views[count];
      if (!view) {
        view = new FrameView(arena, -1, 0, 0, 0);
        views.push(view);
      }
      view.loadRecord(reader, parcel);
      count++;
    }
  }
  return count;
}
