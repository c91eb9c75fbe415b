import { DETECTOR_TABLE, NOT_UNIFORM, type TableRow } from './detector-table.js';

const normalName = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/**
 * A detector by its name in PONI files (`Pilatus2M`, `Eiger2 CdTe 4M`, ...); undefined for a name that is not in the
 * table.
 */
export function knownDetector(name: string): TableRow | undefined {
  return DETECTOR_TABLE.get(normalName(name));
}

/** Whether the pixel sizes and shape describe the named detector completely. */
export function isGenericDetector(name: string): boolean {
  const normal = normalName(name);
  return normal === '' || normal === 'detector' || normal === 'none';
}

/** Why a detector that is not in the table cannot be integrated, and what to do. */
export function refusalOfDetector(name: string): string {
  const reason = NOT_UNIFORM.get(normalName(name));
  if (reason)
    return `detector ${name} cannot be integrated: ${reason}, and Millrace integrates flat detectors with pixels of one size. Transform the frames to a flat image with pixels of one size first, and give 'Detector: Detector' with its pixel1, pixel2 and max_shape`;
  return `detector ${name} is not known. If it is flat and its pixels have one size, give 'Detector: Detector' with pixel1, pixel2 and max_shape, and mask its gaps with a file`;
}
