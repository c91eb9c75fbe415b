import type { Frame } from '../../frame/frame.js';
import type { ProfileSample } from '../../observe/profile-sample.js';

const MAX_VALUES = 256;

/** Undefined for a frame that is no profile. Of a table such as q, I, sigma, the second row is taken. */
export function profileOf(frame: Frame): ProfileSample | undefined {
  const { shape, data, meta, source, sequence } = frame;
  const columns: unknown = meta.columns;
  const isTable = shape.length === 2 && Array.isArray(columns) && columns.length === shape[0] && shape[0] > 0;
  if (shape.length !== 1 && !isTable) return undefined;
  const items = shape[shape.length - 1]!;
  if (items < 2) return undefined;
  const row = isTable ? Math.min(1, shape[0]! - 1) : 0;
  const count = Math.min(MAX_VALUES, items);
  const values: (number | null)[] = [];
  for (let value = 0; value < count; value++) {
    const end = Math.floor(((value + 1) * items) / count);
    let sum = 0;
    let finite = 0;
    for (let item = Math.floor((value * items) / count); item < end; item++) {
      const number = Number(data[row * items + item]);
      if (!Number.isFinite(number)) continue;
      sum += number;
      finite++;
    }
    values.push(finite > 0 ? sum / finite : null);
  }
  return { source, frame: sequence, ...(isTable ? { column: String(columns[row]).slice(0, 64) } : {}), items, values };
}
