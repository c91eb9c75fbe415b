import { MillraceError } from '../../errors/errors.js';
import type { TypedArray } from '../../frame/dtype.js';
import type { Frame } from '../../frame/frame.js';
import type { FrameFormat } from './frame-format.js';
import { wholeLineBytes } from './last-line.js';

/**
 * CSV of frames with columns (RFC 4180, with line feeds): a header line from `meta.columns`, then one row for each
 * entry of the last axis of `[columns, bins]`, or a single row for `[columns]`. A list without columns becomes one
 * column named `value`. The first column of rolled files is the frame's sequence.
 */
export function csvFormat(rolled: boolean): FrameFormat {
  const header = (frame: Frame) => [...(rolled ? ['sequence'] : []), ...columnsOf(frame)].map(quote).join(',');
  return {
    layout: header,
    begin: (frame) => Buffer.from(`${header(frame)}\n`),
    encode(frame) {
      const columns = columnsOf(frame).length;
      const rows = frame.data.length / columns;
      const data: TypedArray = frame.data;
      const prefix = rolled ? `${frame.sequence},` : '';
      let text = '';
      for (let row = 0; row < rows; row++) {
        text += prefix;
        for (let column = 0; column < columns; column++) text += `${column === 0 ? '' : ','}${data[column * rows + row]!}`;
        text += '\n';
      }
      return [Buffer.from(text)];
    },
    async recover(handle, sizeBytes) {
      const wholeBytes = await wholeLineBytes(handle, sizeBytes);
      // A header alone holds no frames.
      const header = wholeBytes > 0 ? await wholeLineBytes(handle, wholeBytes - 1) : 0;
      return { wholeBytes: header > 0 ? wholeBytes : 0, complete: false };
    },
  };
}

function columnsOf(frame: Frame): readonly string[] {
  const { columns } = frame.meta;
  const named = Array.isArray(columns) && columns.every((column): column is string => typeof column === 'string') ? columns : undefined;
  const dimensions = frame.shape.length;
  if ((dimensions === 1 || dimensions === 2) && named && named.length > 0 && named.length === frame.shape[0]) return named;
  if (dimensions === 1 && !named) return ['value'];
  throw new MillraceError(
    'ERR_SINK',
    `CSV needs [columns, bins] with one name in meta.columns per column, not [${frame.shape.join(', ')}] with ${named?.length ?? 'no'} names`,
  );
}

/** Replaces line ends, so that a row is one line. */
function quote(name: string): string {
  const flat = name.replace(/[\r\n]+/g, ' ');
  return /[",]/.test(flat) ? `"${flat.replaceAll('"', '""')}"` : flat;
}
