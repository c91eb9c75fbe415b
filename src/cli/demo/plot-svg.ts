/** A curve with its uncertainty; all arrays have the same length. */
export interface Curve {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** Half the height of the band around the curve. */
  readonly sigma?: ArrayLike<number>;
}

export interface PlotOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Labelled thin vertical lines. */
  readonly marks?: readonly { readonly x: number; readonly label: string }[];
  /** The text in small type below the title. */
  readonly note?: string;
}

const WIDTH = 960;
const HEIGHT = 540;
const LEFT = 84;
const RIGHT = 24;
const TOP = 72;
const BOTTOM = 64;

const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign);
const round = (value: number): string => String(Math.round(value * 100) / 100);

/** Round values within [low, high], at most about `count`, with steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number, count = 8): number[] {
  if (!(high > low)) return [low];
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw * 0.999)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Counted in steps, so that rounding errors do not add up; toPrecision removes those of the product.
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/**
 * A line plot as an SVG document: axes, ticks, units, title, and a band of one sigma. Points that are not finite are
 * omitted.
 */
export function plotSvg(curve: Curve, { title, xLabel, yLabel, marks = [], note }: PlotOptions): string {
  const points: { x: number; y: number; low: number; high: number }[] = [];
  for (let index = 0; index < curve.x.length; index++) {
    const x = curve.x[index]!;
    const y = curve.y[index]!;
    const sigma = curve.sigma?.[index] ?? 0;
    if (Number.isFinite(x) && Number.isFinite(y)) points.push({ x, y, low: y - (sigma || 0), high: y + (sigma || 0) });
  }
  const [xLow, xHigh] = span(points.map(({ x }) => x));
  const [dataLow, dataHigh] = span(points.flatMap(({ low, high }) => [low, high]));
  const yLow = Math.min(0, dataLow);
  const yHigh = dataHigh + (dataHigh - yLow) * 0.08;
  const px = (x: number): number => LEFT + ((x - xLow) / (xHigh - xLow)) * (WIDTH - LEFT - RIGHT);
  const py = (y: number): number => HEIGHT - BOTTOM - ((y - yLow) / (yHigh - yLow)) * (HEIGHT - TOP - BOTTOM);
  const line = points.map(({ x, y }) => `${round(px(x))},${round(py(y))}`).join(' ');
  const band = [
    ...points.map(({ x, high }) => `${round(px(x))},${round(py(high))}`),
    ...points.map(({ x, low }) => `${round(px(x))},${round(py(low))}`).reverse(),
  ].join(' ');
  const bottom = HEIGHT - BOTTOM;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${WIDTH / 2}" y="28" text-anchor="middle" font-size="18">${escapeXml(title)}</text>`,
    ...(note ? [`<text x="${WIDTH / 2}" y="48" text-anchor="middle" fill="#555">${escapeXml(note)}</text>`] : []),
    ...ticks(xLow, xHigh).map((x) => {
      const at = round(px(x));
      return `<path d="M${at} ${TOP}V${bottom}" stroke="#eee"/><path d="M${at} ${bottom}v6" stroke="#333"/><text x="${at}" y="${bottom + 21}" text-anchor="middle">${x}</text>`;
    }),
    ...ticks(yLow, yHigh, 6).map((y) => {
      const at = round(py(y));
      return `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#eee"/><path d="M${LEFT} ${at}h-6" stroke="#333"/><text x="${LEFT - 10}" y="${round(py(y) + 4)}" text-anchor="end">${y}</text>`;
    }),
    ...marks
      .filter(({ x }) => x >= xLow && x <= xHigh)
      .map(({ x, label }) => {
        const at = round(px(x));
        return `<path d="M${at} ${TOP + 4}V${bottom}" stroke="#c60" stroke-dasharray="2 4"/><text transform="translate(${round(px(x) - 3)} ${TOP + 8}) rotate(-90)" text-anchor="end" font-size="10" fill="#c60">${escapeXml(label)}</text>`;
      }),
    ...(curve.sigma ? [`<polygon points="${band}" fill="#31688e" fill-opacity="0.3"/>`] : []),
    `<polyline points="${line}" fill="none" stroke="#31688e" stroke-width="1.2" stroke-linejoin="round"/>`,
    `<path d="M${LEFT} ${TOP}V${bottom}H${WIDTH - RIGHT}" fill="none" stroke="#333"/>`,
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 16}" text-anchor="middle">${escapeXml(xLabel)}</text>`,
    `<text transform="translate(22 ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeXml(yLabel)}</text>`,
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

/** Lowest and highest value, moved apart when they are equal; 0 and 1 without values. */
function span(values: readonly number[]): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}
