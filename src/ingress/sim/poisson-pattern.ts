import { itemCount, typedView } from '../../frame/dtype.js';
import { DEAD, defects, GAP } from './defects.js';
import { noData, type Simulation, saturation } from './options.js';
import type { Pattern } from './pattern.js';
import { Poisson } from './poisson.js';
import { Random } from './random.js';

type Writable = { [index: number]: number; readonly length: number };

/** Poisson counts around an expectation image (float32, `[height, width]`), with the detector's dead pixels and gap. */
export class PoissonPattern implements Pattern {
  readonly #expectation: Float32Array;
  readonly #simulation: Simulation;
  readonly #defects: Uint8Array | undefined;
  readonly #poisson = new Poisson();

  constructor(simulation: Simulation, expectation: Float32Array, withDefects: boolean) {
    this.#simulation = simulation;
    this.#expectation = expectation;
    this.#defects = withDefects ? defects(simulation) : undefined;
  }

  fill(number: number, bytes: Uint8Array): void {
    const { dtype, height, width, seed } = this.#simulation;
    const pixels = typedView(dtype, bytes.buffer, bytes.byteOffset, itemCount([height, width])) as unknown as Writable;
    const random = new Random(seed, number);
    const most = saturation(dtype);
    const empty = noData(dtype);
    const map = this.#defects;
    const expectation = this.#expectation;
    for (let index = 0; index < expectation.length; index++) {
      const defect = map ? map[index] : 0;
      if (defect === GAP) pixels[index] = empty;
      else if (defect === DEAD) pixels[index] = 0;
      else pixels[index] = Math.min(most, this.#poisson.draw(expectation[index]!, random));
    }
  }
}
