import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeNpy } from '../../codecs/npy.js';
import { makeFolder } from '../../transports/make-folder.js';
import { defects, GOOD } from './defects.js';
import { type SimOptions, simulation } from './options.js';
import { poniText } from './powder-geometry.js';

/** The pixels of a powder simulation without data: uint8 `[height, width]`, 1 = masked (dead or in the gap). */
export function simulatedMask(options: SimOptions): Uint8Array {
  return defects(simulation(options)).map((defect) => (defect === GOOD ? 0 : 1));
}

/** The PONI text of the geometry that a powder simulation with these options uses. */
export const simulatedPoni = (options: SimOptions): string => poniText(simulation(options));

/**
 * Writes `mask.npy` and `detector.poni` of a powder simulation into a folder, which is created if missing; returns
 * their paths.
 */
export async function writeSimGeometry(folder: string, options: SimOptions): Promise<{ mask: string; poni: string }> {
  const { height, width } = simulation(options);
  const paths = { mask: join(folder, 'mask.npy'), poni: join(folder, 'detector.poni') };
  await makeFolder(folder);
  await writeFile(paths.mask, writeNpy({ dtype: 'uint8', shape: [height, width], data: simulatedMask(options) }));
  await writeFile(paths.poni, simulatedPoni(options));
  return paths;
}
