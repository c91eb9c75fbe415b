import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defects, GOOD } from './defects.js';
import { type SimOptions, simulation } from './options.js';
import { poniText } from './powder-geometry.js';

/** The pixels of a powder simulation that hold no data: uint8 `[height, width]`, 1 = masked (dead or in the gap). */
export function simulatedMask(options: SimOptions): Uint8Array {
  return defects(simulation(options)).map((defect) => (defect === GOOD ? 0 : 1));
}

/** The PONI text of the geometry that a powder simulation with these options uses. */
export const simulatedPoni = (options: SimOptions): string => poniText(simulation(options));

/** Writes `mask.npy` and `detector.poni` of a powder simulation into a folder, which is made if need be; returns their paths. */
export async function writeSimGeometry(folder: string, options: SimOptions): Promise<{ mask: string; poni: string }> {
  const { height, width } = simulation(options);
  const paths = { mask: join(folder, 'mask.npy'), poni: join(folder, 'detector.poni') };
  await mkdir(folder, { recursive: true });
  await writeFile(paths.mask, Buffer.concat([npyHeader(height, width), simulatedMask(options)]));
  await writeFile(paths.poni, simulatedPoni(options));
  return paths;
}

/** Header of an NPY 1.0 file of uint8, padded to 64 bytes (numpy.lib.format). */
function npyHeader(height: number, width: number): Buffer {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${height}, ${width}), }`;
  const padded = `${text.padEnd(Math.ceil((10 + text.length + 1) / 64) * 64 - 11)}\n`;
  const head = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, padded.length & 255, padded.length >> 8]);
  return Buffer.concat([head, Buffer.from(padded, 'latin1')]);
}
