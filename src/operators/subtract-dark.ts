import { correctByTable } from './correct-by-table.js';

/**
 * frame - dark, as float64 for float64 frames and float32 for all others. The table is stored as float32. Directly
 * before integrate-azimuthal it is folded into the integration, which keeps the variance of the raw counts.
 * @throws ERR_CONFIG_FILE, ERR_CONFIG_INVALID; ERR_OPERATOR_INPUT for a frame of another shape
 */
export const subtractDark = correctByTable({
  type: 'subtract-dark',
  description: 'Subtracts a dark frame (result float32; float64 for float64 frames).',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: noise, shape: [64, 64], frames: 4 }
stages:
  reduce:
    from: detector
    operators:
      - { type: subtract-dark, file: dark.npy }
sinks:
  result: { type: print, from: reduce }`,
    run: 'The example needs `dark.npy`, a frame of 64 × 64 pixels',
    errors: {
      ERR_CONFIG_FILE: 'the table is missing or unreadable',
      ERR_CONFIG_INVALID: 'the table and the frames differ in shape',
      ERR_OPERATOR_INPUT: 'the frame has another shape than the table',
    },
  },
  fileDescription: 'file of the dark frame (NPY, EDF, TIFF, CBF or HDF5, also in gzip)',
  as: 'dark',
});
