import type { IntegrateAzimuthalKernel } from './scalar/integrate-azimuthal.js';
import { createIntegrateAzimuthal } from './scalar/integrate-azimuthal.js';

/** The fastest form of the kernel. */
export function loadIntegrateAzimuthal(memory: WebAssembly.Memory): IntegrateAzimuthalKernel {
  return createIntegrateAzimuthal(memory);
}
