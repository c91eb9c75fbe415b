/**
 * Takes mean and M2 of `nB` frames into those of `nA`, pixel by pixel: T. F. Chan, G. H. Golub and R. J. LeVeque, Updating
 * Formulae and a Pairwise Algorithm for Computing Sample Variances (Stanford STAN-CS-79-773, 1979), (2.1). Evaluated as
 * `mean = meanA + (meanB - meanA) * (nB / n)`, `M2 = (M2A + M2B) + d * d * (nA * (nB / n))` with d = meanB - meanA and n = nA + nB.
 */
export function mergeMoments(nA: number, meanA: Float64Array, m2A: Float64Array, nB: number, meanB: Float64Array, m2B: Float64Array): void {
  const share = nB / (nA + nB);
  const weight = nA * share;
  for (let i = 0; i < meanA.length; i++) {
    const d = meanB[i]! - meanA[i]!;
    meanA[i] = meanA[i]! + d * share;
    m2A[i] = m2A[i]! + m2B[i]! + d * d * weight;
  }
}
