import { COLOURS, viridis } from '../../codecs/colour-map.js';
import type { TypedArray } from '../../frame/dtype.js';
import type { DataRange } from '../../frame/no-data.js';

export interface ColourScale {
  readonly scale?: 'linear' | 'log' | 'sqrt';
  /** The value of the darkest colour; by default the first percentile of the frame's values. */
  readonly min?: number;
  /** The value of the lightest colour; by default the percentile 99.5, so that one hot pixel does not darken the rest. */
  readonly max?: number;
}

const SCALES = { linear: (distance: number) => distance, log: Math.log1p, sqrt: Math.sqrt } as const;
const MAP = viridis();
const DARK_SHARE = 0.01;
const LIGHT_SHARE = 0.995;
/** The percentiles come from this number of values at equal distances. */
const SAMPLES = 1 << 16;

/**
 * Maps values to colours: uint8 [items, 3]. The map scales the distance from the darkest value; values beyond an end
 * take the colour of that end. A value outside `range` is no data: it is black and excluded from percentiles.
 */
export function colourImage(data: TypedArray, options: ColourScale, [lowest, highest]: DataRange): Uint8Array {
  const scaled = SCALES[options.scale ?? 'linear'];
  const sample = sampleOf(data, lowest, highest);
  const min = options.min ?? percentile(sample, DARK_SHARE);
  const max = options.max ?? percentile(sample, LIGHT_SHARE);
  const range = max > min ? scaled(max - min) : 1;

  const pixels = new Uint8Array(data.length * 3);
  for (let index = 0; index < data.length; index++) {
    const value = Number(data[index]!);
    if (!(value >= lowest && value <= highest)) continue;
    const share = Math.min(1, scaled(Math.max(0, value - min)) / range);
    const colour = Math.round(share * (COLOURS - 1)) * 3;
    pixels[index * 3] = MAP[colour]!;
    pixels[index * 3 + 1] = MAP[colour + 1]!;
    pixels[index * 3 + 2] = MAP[colour + 2]!;
  }
  return pixels;
}

function sampleOf(data: TypedArray, lowest: number, highest: number): Float64Array {
  const step = Math.max(1, Math.ceil(data.length / SAMPLES));
  const sample = new Float64Array(Math.ceil(data.length / step));
  let count = 0;
  for (let index = 0; index < data.length; index += step) {
    const value = Number(data[index]!);
    if (value >= lowest && value <= highest) sample[count++] = value;
  }
  return sample.subarray(0, count).sort();
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted.length === 0 ? 0 : sorted[Math.floor(share * (sorted.length - 1))]!;
}
