import { correctByTable } from './correct-by-table.js';

/**
 * frame / flat, as float64 for float64 frames and float32 for all others; NaN where the flat is 0. The table is stored
 * as float32. Directly before integrate-azimuthal it is folded into the integration, which keeps the variance of the
 * raw counts.
 * @throws ERR_CONFIG_FILE, ERR_CONFIG_INVALID; ERR_OPERATOR_INPUT for a frame of another shape
 */
export const correctFlat = correctByTable({
  type: 'correct-flat',
  description: 'Divides by a flat field (result float32; float64 for float64 frames); NaN where the flat is 0.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: noise, shape: [64, 64], frames: 4 }
stages:
  reduce:
    from: detector
    operators:
      - { type: correct-flat, file: flat.npy }
sinks:
  result: { type: print, from: reduce }`,
    run: 'The example needs `flat.npy`, a frame of 64 × 64 pixels',
    errors: {
      ERR_CONFIG_FILE: 'the table is missing or unreadable',
      ERR_CONFIG_INVALID: 'the table and the frames differ in shape',
      ERR_OPERATOR_INPUT: 'the frame has another shape than the table',
    },
  },
  fileDescription: 'file of the flat field (NPY, EDF, TIFF, CBF or HDF5, also in gzip)',
  as: 'flat',
});
