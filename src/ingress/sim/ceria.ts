/** Lattice parameter of CeO2 (fluorite, Fm-3m) in angstrom. NIST SRM 674b is quoted with 5.4113 to 5.4117; this is a simulation, not a standard. */
export const CERIA_LATTICE_A = 5.4113;

/** The numbers of electrons of Ce and O approximate their scattering factors at zero angle. */
const CERIUM = 58;
const OXYGEN = 8;
/**
 * One fall-off for form factor and thermal motion together, exp(-B/(4 d^2)), in square angstrom: an estimate that
 * brings the lines close to those of powder tables.
 */
const FALL_OFF_A2 = 5;

export interface Line {
  readonly hkl: readonly [number, number, number];
  /** Spacing in angstrom. */
  readonly d: number;
  /** Intensity per length of ring, the strongest line = 1. */
  readonly intensity: number;
}

/** Number of distinct signed permutations of (h, k, l): the planes that share a spacing in a cubic crystal. */
export function multiplicity(h: number, k: number, l: number): number {
  const distinct = new Set([h, k, l]).size;
  const permutations = distinct === 3 ? 6 : distinct === 2 ? 3 : 1;
  return permutations * 2 ** [h, k, l].filter((index) => index !== 0).length;
}

/**
 * Structure factor of fluorite: Ce at (0,0,0), O at (1/4,1/4,1/4) and (3/4,3/4,3/4), times the face centring, which
 * extinguishes mixed indices (International Tables for Crystallography, vol. A, no. 225, sites 4a and 8c).
 */
export function structureFactor(h: number, k: number, l: number): number {
  const odd = (h & 1) + (k & 1) + (l & 1);
  if (odd !== 0 && odd !== 3) return 0;
  if (odd === 3) return 4 * CERIUM;
  return 4 * ((h + k + l) % 4 === 0 ? CERIUM + 2 * OXYGEN : CERIUM - 2 * OXYGEN);
}

/**
 * Allowed lines down to `minimumD` angstrom, by decreasing spacing. Intensity = multiplicity x |F|^2 x d^2 x fall-off;
 * d^2 is the small-angle form of the Lorentz factor 1/(sin^2 theta cos theta). The intensities are approximate by
 * design: the positions are exact.
 */
export function ceriaLines(minimumD: number): Line[] {
  const limit = Math.floor(CERIA_LATTICE_A / minimumD);
  const lines: { hkl: [number, number, number]; d: number; intensity: number }[] = [];
  for (let h = 1; h <= limit; h++) {
    for (let k = 0; k <= h; k++) {
      for (let l = 0; l <= k; l++) {
        const d = CERIA_LATTICE_A / Math.sqrt(h * h + k * k + l * l);
        const factor = structureFactor(h, k, l);
        if (factor === 0 || d < minimumD) continue;
        const intensity = multiplicity(h, k, l) * factor ** 2 * d * d * Math.exp(-FALL_OFF_A2 / (2 * d * d));
        lines.push({ hkl: [h, k, l], d, intensity });
      }
    }
  }
  const strongest = Math.max(...lines.map((line) => line.intensity));
  return lines.sort((a, b) => b.d - a.d || a.hkl[0] - b.hkl[0]).map((line) => ({ ...line, intensity: line.intensity / strongest }));
}
