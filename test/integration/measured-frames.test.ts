import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { largestDeviation } from '../golden/read-golden.js';
import { MillraceRun } from '../support/run-millrace.js';

const shared = process.env.MILLRACE_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
const hexrd = join(shared, 'data/hexrd-bsd3');
const dials = join(shared, 'data/dials-ccby4');
const hasBzip2 = spawnSync('bzip2', ['--help']).error === undefined;
const TOLERANCE = 1e-6;

let millrace: MillraceRun;
beforeEach(() => {
  millrace = new MillraceRun();
});
afterEach(() => millrace.dispose());

interface Job {
  readonly source: object;
  readonly mask: object;
  readonly geometry: string | object;
}

/** The columns of the one profile that the run has written. */
async function integrate({ source, mask, geometry }: Job): Promise<number[][]> {
  const { exitCode, report, stderr } = await millrace.run({
    version: 1,
    sources: { detector: { type: 'file', ...source } },
    stages: {
      reduce: {
        from: 'detector',
        operators: [
          { type: 'mask', ...mask },
          { type: 'integrate-azimuthal', geometry, bins: 2000, unit: 'q_A^-1', polarization: 0.99 },
        ],
      },
    },
    sinks: { profiles: { type: 'file', from: 'reduce', path: 'profile-{sequence}.csv' } },
  });
  expect(exitCode, stderr).toBe(0);
  expect(report).toMatchObject({ ok: true, balanced: true, sinks: { profiles: { delivered: 1 } } });
  const [header, ...lines] = readFileSync(join(millrace.folder, 'profile-0.csv'), 'utf8').trimEnd().split('\n');
  expect(header).toBe('q_A^-1,intensity,sigma');
  return columns(lines.map((line) => line.split(',')));
}

/** Columns radial, intensity and sigma of a reference profile. */
function readReference(path: string): number[][] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return columns(lines.filter((line) => !line.startsWith('#')).map((line) => line.trim().split(/\s+/)));
}

const columns = (rows: readonly (readonly string[])[]): number[][] =>
  [0, 1, 2].map((column) => rows.map((row) => Number(row[column] ?? Number.NaN)));

function expectAgreement(profile: number[][], reference: number[][]): void {
  for (const [column, name] of ['axis', 'intensity', 'sigma'].entries()) {
    expect(reference[column], name).toHaveLength(2000);
    expect(largestDeviation(profile[column]!, reference[column]!), name).toBeLessThan(TOLERANCE);
  }
}

const without = (missing: boolean, what: string): string => (missing ? ` (skipped, needs ${what})` : '');

const noCeria = !existsSync(hexrd);
describe.skipIf(noCeria)(`the measured CeO2 frame${without(noCeria, 'the shared data folder')}`, () => {
  it('comes out of the command as a profile that agrees with pyFAI in every bin to 1e-6', async () => {
    const profile = await integrate({
      source: { path: join(hexrd, 'ceria_50x30_740mm_000005_Pilatus2M.hdf5'), dataset: 'imageseries/images' },
      mask: { file: join(hexrd, 'ceria_Pilatus2M.mask.npy.gz'), below: 0 },
      geometry: join(hexrd, 'Pilatus2M.poni'),
    });
    expectAgreement(profile, readReference(join(hexrd, 'ceria_Pilatus2M.nosplit.q_Ainv.xy')));
  });
});

const noThaumatin = !existsSync(dials) || !hasBzip2;
describe.skipIf(noThaumatin)(`the measured thaumatin frame${without(noThaumatin, 'the shared data folder and bzip2')}`, () => {
  it('comes out of the command as a profile that agrees with pyFAI in every bin to 1e-6', async () => {
    const cbf = join(millrace.folder, 'thau_3_2_0001.cbf');
    writeFileSync(cbf, execFileSync('bzip2', ['-dc', join(dials, 'thau_3_2_0001.cbf.bz2')], { maxBuffer: 2 ** 26 }));
    // From the header of the frame: distance in m, the beam in pixels of 172 um, the wavelength in m.
    const pixel = 172e-6;
    const geometry = {
      distance: 0.351,
      poni1: 1306.96 * pixel,
      poni2: 1261.61 * pixel,
      pixel1: pixel,
      pixel2: pixel,
      wavelength: 0.96859e-10,
    };
    const profile = await integrate({ source: { path: cbf }, mask: { below: 0 }, geometry });
    expectAgreement(profile, readReference(join(dials, 'thau_3_2_0001.nosplit.q_Ainv.xy')));
  });
});
