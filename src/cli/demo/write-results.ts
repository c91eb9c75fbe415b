import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DecodedFrame } from '../../codecs/codec.js';
import { MillraceError } from '../../errors/errors.js';
import type { Report } from '../../observe/report.js';
import { plotSvg } from './plot-svg.js';

/** A result with named rows, float64 `[columns, items]`. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly Float64Array[];
}

/** Parses a result of the pipeline. Throws ERR_MESSAGE_MALFORMED when the message is not one. */
export function tableOf({ data, dtype, shape, meta }: DecodedFrame): Table {
  const columns = meta?.columns;
  const [height = 0, items = 0] = shape;
  if (
    dtype !== 'float64' ||
    shape.length !== 2 ||
    !Array.isArray(columns) ||
    columns.length !== height ||
    data.byteLength !== height * items * 8
  )
    throw new MillraceError(
      'ERR_MESSAGE_MALFORMED',
      `expected float64 [columns, items] with their names, not ${dtype} [${shape.join(', ')}]`,
    );
  // The bytes of a message can have any alignment.
  const values = new Float64Array(data.slice().buffer);
  return { columns: columns.map(String), rows: columns.map((_, row) => values.subarray(row * items, (row + 1) * items)) };
}

/** A header line, then one line per item. */
export function csvText({ columns, rows }: Table): string {
  const lines = Array.from(rows[0] ?? [], (_, item) => rows.map((row) => String(row[item])).join(','));
  return `${[columns.join(','), ...lines].join('\n')}\n`;
}

export interface ProfilePlot {
  readonly title: string;
  readonly note: string;
  readonly marks: readonly { readonly x: number; readonly label: string }[];
}

/** Writes `profile.csv` and `profile.svg`; returns their names. */
export async function writeProfile(folder: string, table: Table, plot: ProfilePlot): Promise<string[]> {
  const [x, intensity, sigma] = table.rows;
  if (!x || !intensity || !sigma) throw new MillraceError('ERR_MESSAGE_MALFORMED', 'a profile needs an axis, an intensity and a sigma');
  // A bin without pixels has value 0 and sigma 0; no measured bin has.
  const y = intensity.map((value, bin) => (value === 0 && sigma[bin] === 0 ? Number.NaN : value));
  const svg = plotSvg({ x, y, sigma }, { ...plot, xLabel: 'q (Å⁻¹)', yLabel: 'intensity (counts per pixel, corrected), band ± 1 σ' });
  await writeFile(join(folder, 'profile.csv'), csvText(table));
  await writeFile(join(folder, 'profile.svg'), svg);
  return ['profile.csv', 'profile.svg'];
}

export async function writeReport(folder: string, report: Report): Promise<string> {
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  return 'report.json';
}
