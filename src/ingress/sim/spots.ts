import { itemCount, typedView } from '../../frame/dtype.js';
import { type Simulation, saturation } from './options.js';
import { type Pattern, Pool } from './pattern.js';
import { Poisson } from './poisson.js';
import { PoissonPattern } from './poisson-pattern.js';
import { Random } from './random.js';

type Writable = { [index: number]: number; readonly length: number };

export interface Spot {
  /** Centre in pixels at frame 0. */
  readonly row: number;
  readonly column: number;
  /** Pixels per frame. */
  readonly rowStep: number;
  readonly columnStep: number;
  /** Expected counts in the middle pixel, and width (sigma) in pixels. */
  readonly height: number;
  readonly sigma: number;
}

const BACKGROUND_MEAN = 1;
const SPOT_COUNT = 24;
const SPOT_STREAM = -3;

/** The spots of a seed. */
export function spotsOf({ seed, height, width, dtype }: Simulation): Spot[] {
  const random = new Random(seed, SPOT_STREAM);
  const limit = dtype === 'uint8' ? 100 : 400;
  return Array.from({ length: SPOT_COUNT }, () => ({
    row: random.uniform() * height,
    column: random.uniform() * width,
    rowStep: random.uniform() - 0.5,
    columnStep: random.uniform() - 0.5,
    height: limit * (0.25 + 0.75 * random.uniform()),
    sigma: 1 + random.uniform(),
  }));
}

const wrap = (position: number, side: number): number => position - Math.floor(position / side) * side;

/** Gaussian peaks that move in straight lines over a flat background, and re-enter on the opposite side. */
export class SpotsPattern implements Pattern {
  readonly #simulation: Simulation;
  readonly #background: Pattern;
  readonly #spots: Spot[];
  readonly #poisson = new Poisson();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
    this.#spots = spotsOf(simulation);
    const flat = new Float32Array(simulation.height * simulation.width).fill(BACKGROUND_MEAN);
    this.#background = new Pool(new PoissonPattern(simulation, flat, false), simulation.pool);
  }

  fill(number: number, bytes: Uint8Array): void {
    const { dtype, height, width, seed } = this.#simulation;
    this.#background.fill(number, bytes);
    const pixels = typedView(dtype, bytes.buffer, bytes.byteOffset, itemCount([height, width])) as unknown as Writable;
    const random = new Random(seed ^ 0x5f0d, number);
    const most = saturation(dtype);
    for (const spot of this.#spots) {
      const row = wrap(spot.row + spot.rowStep * number, height);
      const column = wrap(spot.column + spot.columnStep * number, width);
      const reach = Math.ceil(4 * spot.sigma);
      for (let y = Math.max(0, Math.floor(row) - reach); y <= Math.min(height - 1, Math.floor(row) + reach); y++) {
        for (let x = Math.max(0, Math.floor(column) - reach); x <= Math.min(width - 1, Math.floor(column) + reach); x++) {
          const square = ((y + 0.5 - row) ** 2 + (x + 0.5 - column) ** 2) / spot.sigma ** 2;
          const index = y * width + x;
          pixels[index] = Math.min(most, pixels[index]! + this.#poisson.draw(spot.height * Math.exp(-0.5 * square), random));
        }
      }
    }
  }
}
