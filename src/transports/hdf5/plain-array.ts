import { type ArrayReader, copyBox, itemsOf, swapItems } from './box.js';
import { damaged } from './damaged.js';
import type { DatasetHeader } from './dataset-header.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { UNDEFINED } from './structure-bytes.js';

/** The items of a dataset that is contiguous in the file. Reads whole rows of the slowest dimensions. */
export function contiguousArray(file: Hdf5Bytes, { shape, element }: DatasetHeader, address: number): ArrayReader {
  if (address === UNDEFINED && itemsOf(shape) > 0) throw damaged('nothing was ever written into the dataset');
  return {
    shape,
    itemBytes: element.bytes,
    readBox(start, count, output) {
      // From the first dimension of which more than one item is wanted, the range that holds the box.
      let outer = 0;
      while (outer < shape.length - 1 && count[outer] === 1) outer++;
      const inner = shape.slice(outer + 1);
      let offset = 0;
      for (let dimension = 0; dimension <= outer && dimension < shape.length; dimension++)
        offset = offset * shape[dimension]! + start[dimension]!;
      const rows = count[outer] ?? 1;
      const bytes = file.read(address + offset * itemsOf(inner) * element.bytes, rows * itemsOf(inner) * element.bytes);
      if (element.bigEndian) swapItems(bytes, element.bytes);
      const skip = new Array<number>(outer).fill(0);
      copyBox(
        {
          bytes,
          shape: [...skip.map(() => 1), rows, ...inner].slice(0, shape.length),
          start: [...skip, 0, ...start.slice(outer + 1)].slice(0, shape.length),
        },
        { bytes: output, shape: count, start: count.map(() => 0) },
        count,
        element.bytes,
      );
    },
  };
}

/** The items of a small dataset that is within its object header. */
export function compactArray({ shape, element }: DatasetHeader, data: Uint8Array): ArrayReader {
  if (data.length !== itemsOf(shape) * element.bytes)
    throw damaged('the size of the data within the object header does not fit the dataset');
  const bytes = Uint8Array.from(data);
  if (element.bigEndian) swapItems(bytes, element.bytes);
  return {
    shape,
    itemBytes: element.bytes,
    readBox: (start, count, output) =>
      copyBox({ bytes, shape, start }, { bytes: output, shape: count, start: count.map(() => 0) }, count, element.bytes),
  };
}
