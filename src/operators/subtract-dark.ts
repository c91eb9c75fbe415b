import { correctByTable } from './correct-by-table.js';

/**
 * frame - dark, as float64 for float64 frames and float32 for all others. The table is kept as float32.
 * Directly before integrate-azimuthal it is folded into the integration, where the variance stays that of the raw counts.
 * @throws ERR_CONFIG_FILE, ERR_CONFIG_INVALID; ERR_OPERATOR_INPUT for a frame of another shape
 */
export const subtractDark = correctByTable({
  type: 'subtract-dark',
  description: 'Subtracts a dark frame (float32 out, float64 for float64 in).',
  fileDescription: 'dark frame (NPY, EDF, TIFF, CBF or HDF5, also in gzip)',
  as: 'dark',
});
