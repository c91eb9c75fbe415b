import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readNpy } from '../../../src/codecs/npy.js';
import { typedView } from '../../../src/frame/dtype.js';
import { ceriaLines, multiplicity } from '../../../src/ingress/sim/ceria.js';
import { noData, simulation } from '../../../src/ingress/sim/options.js';
import { Poisson } from '../../../src/ingress/sim/poisson.js';
import { powderExpectation, powderPattern } from '../../../src/ingress/sim/powder.js';
import { powderGeometry } from '../../../src/ingress/sim/powder-geometry.js';
import { Random } from '../../../src/ingress/sim/random.js';
import { simulatedMask, writeSimGeometry } from '../../../src/ingress/sim-ingress.js';

describe('simulated powder', () => {
  it('has the lines of fluorite, with the multiplicities of the cubic system', () => {
    // Order of reflections and multiplicities as in powder tables of CeO2 (ICDD 34-394).
    const table = [
      ['1,1,1', 8],
      ['2,0,0', 6],
      ['2,2,0', 12],
      ['3,1,1', 24],
      ['2,2,2', 8],
      ['4,0,0', 6],
      ['3,3,1', 24],
      ['4,2,0', 24],
      ['4,2,2', 24],
    ];
    expect(ceriaLines(1.05).map(({ hkl }) => [[...hkl].join(','), multiplicity(...hkl)])).toEqual(table);
    for (const { hkl, d } of ceriaLines(0.8)) expect(d).toBeCloseTo(5.4113 / Math.hypot(...hkl), 12);
  });

  it('has intensities near those of the powder table: 100, 30, 52, 42, 8 of the first five lines', () => {
    const percent = ceriaLines(1.5).map(({ intensity }) => intensity * 100);
    for (const [line, expected] of [100, 30, 52, 42, 8].entries()) expect(Math.abs(percent[line]! - expected)).toBeLessThan(12);
  });

  it.each([[[512, 512]], [[300, 700]], [[64, 64]]] as const)('puts at least six whole rings on a detector of %j by default', (shape) => {
    const sim = simulation({ shape });
    const { distance, pixel, wavelength } = powderGeometry(sim);
    const twoThetaEdge = Math.atan2((Math.min(...shape) / 2) * pixel, distance);
    const inside = ceriaLines(0.5).filter(({ d }) => 2 * Math.asin((wavelength * 1e10) / (2 * d)) < twoThetaEdge);
    expect(inside.length).toBeGreaterThanOrEqual(6);
  });

  it('shows maxima at 2 theta of Bragg, along each of four directions', () => {
    const sim = simulation({ shape: [801, 801] });
    const { distance, pixel, wavelength } = powderGeometry(sim);
    const image = powderExpectation(sim);
    for (const { d } of ceriaLines(1.3)) {
      const radius = (distance * Math.tan(2 * Math.asin((wavelength * 1e10) / (2 * d)))) / pixel;
      for (const [dy, dx] of [
        [0, 1],
        [0, -1],
        [1, 0],
        [-1, 0],
      ] as const) {
        const at = (r: number) => image[(400 + dy * r) * 801 + 400 + dx * r]!;
        const near = Array.from({ length: 9 }, (_, step) => Math.round(radius) - 4 + step);
        const best = near.reduce((a, b) => (at(b) > at(a) ? b : a));
        expect(Math.abs(best - radius), `${d} angstrom`).toBeLessThanOrEqual(1);
      }
    }
  });

  it('has the same dead pixels and gap in every frame, which the mask names', () => {
    const options = { shape: [128, 96], dtype: 'uint16', seed: 3 } as const;
    const sim = simulation(options);
    const mask = simulatedMask(options);
    const pattern = powderPattern(sim);
    const sums = new Float64Array(mask.length);
    for (let number = 0; number < 8; number++) {
      const bytes = new Uint8Array(sim.frameBytes);
      pattern.fill(number, bytes);
      const pixels = typedView('uint16', bytes.buffer, 0, mask.length) as Uint16Array;
      pixels.forEach((value, index) => {
        if (mask[index] === 1) expect(value === 0 || value === noData('uint16')).toBe(true);
        else expect(value).toBeLessThan(65535);
        sums[index]! += value;
      });
    }
    const dead = [...mask].filter((masked, index) => masked === 1 && sums[index] === 0).length;
    const gap = [...mask].filter((masked, index) => masked === 1 && sums[index] === 8 * 65535).length;
    expect(dead).toBeGreaterThanOrEqual(5);
    expect(gap).toBe(2 * 96);
    expect(dead + gap).toBe([...mask].filter((masked) => masked === 1).length);
    expect(mask[64 * 96 + 48]).toBe(0);
  });

  it('writes the mask as NPY and the geometry as PONI, as they stand', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-sim-'));
    try {
      const options = { shape: [60, 50], seed: 2 } as const;
      const paths = await writeSimGeometry(folder, options);
      const mask = readNpy(readFileSync(paths.mask));
      expect(mask.shape).toEqual([60, 50]);
      expect(Buffer.compare(new Uint8Array(mask.data.buffer, mask.data.byteOffset, mask.data.byteLength), simulatedMask(options))).toBe(0);
      const poni = readFileSync(paths.poni, 'utf8');
      expect(Number(/^Distance: (.*)$/m.exec(poni)![1])).toBe(powderGeometry(simulation(options)).distance);
      expect(JSON.parse(/^Detector_config: (.*)$/m.exec(poni)![1]!)).toMatchObject({ pixel1: 75e-6, max_shape: [60, 50], orientation: 3 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('Poisson draws', () => {
  it.each([0.0625, 0.5, 3, 17.5, 49.9375, 50, 800])('have mean and variance %d within five standard errors', (mean) => {
    const random = new Random(11);
    const poisson = new Poisson();
    const count = 100_000;
    let sum = 0;
    let squares = 0;
    for (let index = 0; index < count; index++) {
      const value = poisson.draw(mean, random);
      sum += value;
      squares += (value - mean) ** 2;
    }
    expect(Math.abs(sum / count - mean)).toBeLessThan(5 * Math.sqrt(mean / count));
    // The fourth central moment of a Poisson variate is mean + 3 mean^2.
    expect(Math.abs(squares / count - mean)).toBeLessThan(5 * Math.sqrt((mean + 2 * mean ** 2) / count) + 0.1 * Number(mean > 50));
  });

  it('follow the probabilities of the definition, outcome by outcome (chi-square below its 99.9 % point)', () => {
    const random = new Random(5);
    const poisson = new Poisson();
    const seen = new Array<number>(12).fill(0);
    for (let index = 0; index < 100_000; index++) seen[Math.min(11, poisson.draw(3, random))]!++;
    let probability = Math.exp(-3);
    let rest = 1;
    let chiSquare = 0;
    for (let k = 0; k < 12; k++) {
      const expected = 100_000 * (k < 11 ? probability : rest);
      chiSquare += (seen[k]! - expected) ** 2 / expected;
      rest -= probability;
      probability *= 3 / (k + 1);
    }
    expect(chiSquare).toBeLessThan(31.26); // 11 degrees of freedom
  });
});
