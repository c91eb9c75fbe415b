/**
 * Coefficients of a polynomial of degree 6 per channel, lowest power first, fitted to viridis: Matt Zucker,
 * "Colormap shaders for GLSL" (shadertoy.com/view/WlfXRN, CC0). The map itself: Stefan van der Walt and Nathaniel Smith,
 * matplotlib (CC0). The fit stays within three hundredths of the original in each channel.
 */
const VIRIDIS = [
  [
    0.2777273272234177, 0.1050930431085774, -0.3308618287255563, -4.634230498983486, 6.228269936347081, 4.776384997670288,
    -5.435455855934631,
  ],
  [
    0.005407344544966578, 1.404613529898575, 0.214847559468213, -5.799100973351585, 14.17993336680509, -13.74514537774601,
    4.645852612178535,
  ],
  [0.3340998053353061, 1.384590162594685, 0.09509516302823659, -19.33244095627987, 56.69055260068105, -65.35303263337234, 26.3124352495832],
] as const;

export const COLOURS = 256;

/**
 * Viridis as uint8 [256, 3], red, green, blue, from dark to light: perceptually uniform, and readable in greyscale and
 * with colour blindness.
 */
export function viridis(): Uint8Array {
  const map = new Uint8Array(COLOURS * 3);
  for (let colour = 0; colour < COLOURS; colour++) {
    const t = colour / (COLOURS - 1);
    VIRIDIS.forEach((coefficients, channel) => {
      const level = coefficients.reduceRight((sum, coefficient) => sum * t + coefficient, 0);
      map[colour * 3 + channel] = Math.round(Math.min(1, Math.max(0, level)) * 255);
    });
  }
  return map;
}
