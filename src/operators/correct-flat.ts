import { correctByTable } from './correct-by-table.js';

/**
 * frame / flat, as float64 for float64 frames and float32 for all others; NaN where the flat is 0. The table is kept as float32.
 * Directly before integrate-azimuthal it is folded into the integration, where the variance stays that of the raw counts.
 * @throws ERR_CONFIG_FILE, ERR_CONFIG_INVALID; ERR_OPERATOR_INPUT for a frame of another shape
 */
export const correctFlat = correctByTable({
  type: 'correct-flat',
  description: 'Divides by a flat field (float32 out, float64 for float64 in); NaN where the flat is 0.',
  fileDescription: 'flat field (NPY, EDF, TIFF, CBF or HDF5, also in gzip)',
  as: 'flat',
});
