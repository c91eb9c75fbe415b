import { memorySource } from './byte-source.js';
import type { DenseArray } from './dense-array.js';
import { refuseTiff } from './tiff/directory.js';
import { openTiff } from './tiff/open-tiff.js';

/**
 * The one image of a TIFF file, shape [length, width]; see `openTiff` for the supported forms. Throws ERR_FORMAT, also
 * for several images.
 */
export function readTiff(bytes: Uint8Array): DenseArray {
  const stack = openTiff(memorySource(bytes));
  if (stack.count !== 1) throw refuseTiff(`${stack.count} images, but expected one`);
  return stack.read(0);
}
