import { readFileSync } from 'node:fs';
import { packageFile } from '../memory/package-file.js';
import type { IntegrateAzimuthalKernel } from './scalar/integrate-azimuthal.js';
import { createIntegrateAzimuthal } from './scalar/integrate-azimuthal.js';

/** Compiled once per thread; null where the file is missing or the platform lacks SIMD or threads. */
let compiled: WebAssembly.Module | null | undefined;

function compile(): WebAssembly.Module | null {
  try {
    return new WebAssembly.Module(readFileSync(packageFile('src/kernels/integrate-azimuthal.wasm')));
  } catch {
    // The scalar twin gives the same bytes, only later.
    return null;
  }
}

/**
 * The WebAssembly form of the kernel, about 3.5 times as fast as the scalar one (2048×2048 uint16), or undefined where it
 * cannot be had. `memory` must be shared.
 */
export function instantiateIntegrateAzimuthal(memory: WebAssembly.Memory): IntegrateAzimuthalKernel | undefined {
  if (compiled === undefined) compiled = compile();
  if (compiled === null) return undefined;
  const instance = new WebAssembly.Instance(compiled, { env: { memory } });
  return instance.exports.integrateAzimuthal as IntegrateAzimuthalKernel;
}

/** The fastest form of the kernel that there is; the scalar one if the environment says `MILLRACE_KERNELS=scalar`. */
export function loadIntegrateAzimuthal(memory: WebAssembly.Memory): IntegrateAzimuthalKernel {
  const wanted = process.env.MILLRACE_KERNELS === 'scalar' ? undefined : instantiateIntegrateAzimuthal(memory);
  return wanted ?? createIntegrateAzimuthal(memory);
}
