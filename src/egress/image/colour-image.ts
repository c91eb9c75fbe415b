import { COLOURS, viridis } from '../../codecs/colour-map.js';
import type { TypedArray } from '../../frame/dtype.js';

export interface ColourScale {
  readonly scale?: 'linear' | 'log' | 'sqrt';
  /** The value of the darkest colour; by default the smallest of the frame (for `log`: the smallest above zero). */
  readonly min?: number;
  /** The value of the lightest colour; by default the largest of the frame. */
  readonly max?: number;
}

const SCALES = { linear: (value: number) => value, log: Math.log, sqrt: Math.sqrt } as const;
const MAP = viridis();

/**
 * Values as colours: uint8 [items, 3]. Values beyond the ends take the colour of the end; what has no colour (NaN) is
 * black. Zeros and negative values of a logarithmic or root scale lie below its lower end.
 */
export function colourImage(data: TypedArray, options: ColourScale): Uint8Array {
  const scale = options.scale ?? 'linear';
  const map = SCALES[scale];
  const lowest = scale === 'log' ? Number.MIN_VALUE : scale === 'sqrt' ? 0 : Number.NEGATIVE_INFINITY;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < data.length; index++) {
    const value = Number(data[index]!);
    if (value >= lowest && value < min && value !== Number.NEGATIVE_INFINITY) min = value;
    if (value > max && value !== Number.POSITIVE_INFINITY) max = value;
  }
  const low = map(Math.max(lowest, options.min ?? min));
  const high = map(Math.max(lowest, options.max ?? max));
  const range = high > low ? high - low : 1;

  const pixels = new Uint8Array(data.length * 3);
  for (let index = 0; index < data.length; index++) {
    const value = Number(data[index]!);
    if (Number.isNaN(value)) continue;
    const position = value < lowest ? 0 : Math.min(1, Math.max(0, (map(value) - low) / range));
    const colour = Math.round(position * (COLOURS - 1)) * 3;
    pixels[index * 3] = MAP[colour]!;
    pixels[index * 3 + 1] = MAP[colour + 1]!;
    pixels[index * 3 + 2] = MAP[colour + 2]!;
  }
  return pixels;
}
