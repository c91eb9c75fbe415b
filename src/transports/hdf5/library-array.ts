import { type ArrayReader, copyBox, itemsOf } from './box.js';
import { damaged } from './damaged.js';
import type { LibraryDataset, LibraryFile } from './library-file.js';
import { KEPT_BYTES } from './unpacked-chunks.js';

/** The items of a dataset that the HDF5 library reads. As many frames as share chunks are read at once, within a bound. */
export function libraryArray(library: LibraryFile, name: string, { shape, itemBytes, chunk }: LibraryDataset): ArrayReader {
  let kept: { start: number[]; count: number[]; bytes: Uint8Array } | undefined;
  return {
    shape,
    itemBytes,
    readBox(start, count, output) {
      const within = kept && start.every((at, d) => at >= kept!.start[d]! && at + count[d]! <= kept!.start[d]! + kept!.count[d]!);
      if (!within) kept = readAround(start, count);
      const { bytes, start: from, count: size } = kept!;
      copyBox(
        { bytes, shape: size, start: start.map((at, d) => at - from[d]!) },
        { bytes: output, shape: count, start: count.map(() => 0) },
        count,
        itemBytes,
      );
    },
    close() {
      kept = undefined;
    },
  };

  function readAround(start: readonly number[], count: readonly number[]): { start: number[]; count: number[]; bytes: Uint8Array } {
    const from = [...start];
    const size = [...count];
    const deep = chunk?.[0] ?? 1;
    if (start.length > 2 && deep > 1) {
      // All frames of the first dimension that are in the same chunks, or as many as fit.
      const most = Math.max(count[0]!, Math.floor(KEPT_BYTES / Math.max(1, (itemsOf(count) / count[0]!) * itemBytes)));
      const end = Math.min(shape[0]!, Math.ceil((start[0]! + count[0]!) / deep) * deep);
      size[0] = Math.min(most, end - start[0]!);
    }
    const lengthBytes = itemsOf(size) * itemBytes;
    const bytes = library.readBox(name, from, size);
    if (bytes.length !== lengthBytes) throw damaged(`${bytes.length} bytes come out, ${lengthBytes} are expected`);
    return { start: from, count: size, bytes };
  }
}
