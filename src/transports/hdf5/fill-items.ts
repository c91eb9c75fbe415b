import { swapItems } from './box.js';
import type { DatasetHeader } from './dataset-header.js';

/** Items of the fill value, little-endian. */
export function fillItems(items: number, { element, fill }: Pick<DatasetHeader, 'element' | 'fill'>): Uint8Array {
  const bytes = new Uint8Array(items * element.bytes);
  if (!fill) return bytes;
  const value = Uint8Array.from(fill);
  if (element.bigEndian) swapItems(value, element.bytes);
  if (bytes.length === 0) return bytes;
  bytes.set(value);
  for (let done = value.length; done < bytes.length; done *= 2) bytes.copyWithin(done, 0, Math.min(done, bytes.length - done));
  return bytes;
}
