import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { File, ready } from 'h5wasm/node';
import { describe, expect, test } from 'vitest';
import { readCbf } from '../../src/codecs/cbf.js';
import type { IntegrateAzimuthalParams } from '../../src/operators/integrate-azimuthal.js';
import { integrateAzimuthal } from '../../src/operators/integrate-azimuthal.js';
import { runOperator } from '../../src/testing.js';
import { largestDeviation } from '../golden/read-golden.js';

const shared = process.env.MILLRACE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
const hexrd = join(shared, 'data/hexrd-bsd3');
const dials = join(shared, 'data/dials-ccby4');
const hasBzip2 = spawnSync('bzip2', ['--help']).error === undefined;

/** Columns radial, intensity, sigma of a reference profile. */
function readReference(path: string): number[][] {
  const rows = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.trim().split(/\s+/).map(Number));
  return [0, 1, 2].map((column) => rows.map((row) => row[column]!));
}

function compare(data: ArrayLike<number>, reference: number[][]): void {
  const profile = Array.from(data);
  const bins = reference[0]!.length;
  expect(profile.length).toBe(3 * bins);
  for (const [row, expected] of reference.entries()) {
    expect(largestDeviation(profile.slice(row * bins, (row + 1) * bins), expected)).toBeLessThan(1e-6);
  }
}

describe.skipIf(!existsSync(hexrd))('the measured CeO2 frame (needs the shared data folder)', () => {
  test.each([
    ['q_A^-1', 'ceria_Pilatus2M.nosplit.q_Ainv.xy'],
    ['2th_deg', 'ceria_Pilatus2M.nosplit.2th_deg.xy'],
  ] as const)('agrees with pyFAI in every bin to 1e-6 in %s', async (unit, file) => {
    await ready;
    const h5 = new File(join(hexrd, 'ceria_50x30_740mm_000005_Pilatus2M.hdf5'), 'r');
    const dataset = h5.get('imageseries/images') as unknown as { value: Int32Array };
    const data = new Int32Array(dataset.value);
    h5.close();
    const params: IntegrateAzimuthalParams = { geometry: 'Pilatus2M.poni', bins: 2000, unit, polarization: 0.99 };
    const [profile] = await runOperator(integrateAzimuthal, params, [{ data, shape: [1679, 1475] }], {
      baseDir: hexrd,
      folded: [{ type: 'mask', params: { file: 'ceria_Pilatus2M.mask.npy.gz', below: 0 } }],
    });
    expect(profile!.meta.columns).toEqual([unit, 'intensity', 'sigma']);
    compare(profile!.data as Float64Array, readReference(join(hexrd, file)));
  });
});

describe.skipIf(!existsSync(dials) || !hasBzip2)('the measured thaumatin frame (needs the shared data folder and bzip2)', () => {
  test('agrees with pyFAI in every bin to 1e-6', async () => {
    const bytes = execFileSync('bzip2', ['-dc', join(dials, 'thau_3_2_0001.cbf.bz2')], { maxBuffer: 1 << 26 });
    const image = readCbf(bytes);
    const pixel = 172e-6;
    const geometry = {
      distance: 0.351,
      poni1: 1306.96 * pixel,
      poni2: 1261.61 * pixel,
      pixel1: pixel,
      pixel2: pixel,
      wavelength: 0.96859e-10,
    };
    const params: IntegrateAzimuthalParams = { geometry, bins: 2000, polarization: 0.99 };
    const [profile] = await runOperator(integrateAzimuthal, params, [{ data: image.data, shape: [2527, 2463] }], {
      folded: [{ type: 'mask', params: { below: 0 } }],
    });
    compare(profile!.data as Float64Array, readReference(join(dials, 'thau_3_2_0001.nosplit.q_Ainv.xy')));
  });
});
