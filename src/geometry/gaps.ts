/**
 * The areas of a detector without pixels. `grid`: `gap` rows and columns between modules of `module` pixels; `seam` are
 * the columns [before, after] the middle of each module. `circle`: outside of the circle that fits in the frame.
 * `unknown`: there are gaps, but their positions are not known.
 */
export type Gaps =
  | {
      readonly kind: 'grid';
      readonly module: readonly [number, number];
      readonly gap: readonly [number, number];
      readonly seam?: readonly [number, number];
    }
  | { readonly kind: 'circle' }
  | { readonly kind: 'unknown' };

/** One byte for each pixel of a frame, 1 in a gap, in the order of the frame's items. `unknown` masks nothing. */
export function gapMask(gaps: Gaps, height: number, width: number): Uint8Array {
  const mask = new Uint8Array(height * width);
  if (gaps.kind === 'circle') maskOutside(mask, height, width);
  if (gaps.kind === 'grid') {
    const rows = lines(height, gaps.module[0], gaps.gap[0]);
    const columns = lines(width, gaps.module[1], gaps.gap[1], gaps.seam);
    for (let y = 0; y < height; y++) {
      if (rows[y]) mask.fill(1, y * width, (y + 1) * width);
      else mask.set(columns, y * width);
    }
  }
  return mask;
}

/** One byte for each line across an axis, 1 for a line in a gap. */
function lines(side: number, module: number, gap: number, seam?: readonly [number, number]): Uint8Array {
  const masked = new Uint8Array(side);
  for (let start = 0; start < side; start += module + gap) {
    masked.fill(1, start + module, start + module + gap);
    const middle = start + Math.floor(module / 2);
    if (seam) masked.fill(1, middle - seam[0], middle + seam[1]);
  }
  return masked;
}

/**
 * The centre of the circle is the middle of the frame, and its radius half the height; the centre of a pixel decides.
 */
function maskOutside(mask: Uint8Array, height: number, width: number): void {
  const middleY = Math.floor(height / 2);
  const middleX = Math.floor(width / 2);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if ((y + 0.5 - middleY) ** 2 + (x + 0.5 - middleX) ** 2 > middleY ** 2) mask[y * width + x] = 1;
    }
  }
}
