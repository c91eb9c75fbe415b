import { memoryViews, numericView } from '../memory-views.js';
import { oncePerMemory } from '../once-per-memory.js';

/**
 * Sums blocks of `factorY` × `factorX` pixels of a C-ordered image, in float64, rounded once into `outDtype`. Rows and
 * columns that fill no whole block are omitted. NaN makes its block NaN. With `limited` a value below `lowest` or above
 * `highest` makes its block `noData`.
 */
export type RebinKernel = (
  dtype: number,
  source: number,
  height: number,
  width: number,
  factorY: number,
  factorX: number,
  outDtype: number,
  out: number,
  limited: boolean,
  lowest: number,
  highest: number,
  noData: number,
) => void;

export const createRebin = oncePerMemory((memory): RebinKernel => {
  const views = memoryViews(memory);
  return (dtype, source, height, width, factorY, factorX, outDtype, out, limited, lowest, highest, noData) => {
    const items = numericView(views, dtype);
    const results = numericView(views, outDtype);
    const rows = Math.floor(height / factorY);
    const columns = Math.floor(width / factorX);
    const first = source / items.BYTES_PER_ELEMENT;
    let target = out / results.BYTES_PER_ELEMENT;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const corner = first + row * factorY * width + column * factorX;
        let sum = 0;
        let valid = true;
        for (let y = 0; y < factorY; y++) {
          const line = corner + y * width;
          for (let x = 0; x < factorX; x++) {
            const value = items[line + x]!;
            if (limited && (value < lowest || value > highest)) valid = false;
            sum += value;
          }
        }
        results[target++] = valid ? sum : noData;
      }
    }
  };
});
