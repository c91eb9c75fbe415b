export interface TableOptions {
  /** Width to fit into. */
  readonly columns?: number;
  /**
   * Titles of columns that may be omitted, the least important first. Columns with only zeros or dashes are omitted
   * first.
   */
  readonly optional?: readonly string[];
}

/** Rows as lines with columns of equal width; values that begin with a digit or are a dash are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], options: TableOptions = {}): string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)));
  const right = head.map((_, column) => column > 0 && rows.every((row) => /^(-?\d|-$)/.test(row[column] ?? '')));
  const shown = shownColumns(head, rows, widths, options);
  const line = (cells: readonly string[]): string =>
    shown
      .map((column) => (right[column] ? cells[column]!.padStart(widths[column]!) : cells[column]!.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [
    line(head),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map((row) => line(head.map((_, column) => row[column] ?? ''))),
  ];
}

function shownColumns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
  { columns = Number.POSITIVE_INFINITY, optional = [] }: TableOptions,
): number[] {
  const isEmpty = (title: string): boolean => rows.every((row) => /^[0-]$/.test(row[head.indexOf(title)] ?? ''));
  const order = [...optional.filter(isEmpty), ...optional.filter((title) => !isEmpty(title))];
  let shown = head.map((_, column) => column);
  const width = (): number => shown.reduce((sum, column) => sum + widths[column]! + 2, -2);
  for (const title of order) {
    if (width() <= columns) break;
    shown = shown.filter((column) => head[column] !== title);
  }
  return shown;
}
