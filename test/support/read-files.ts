import { readFileSync } from 'node:fs';

/** Rows of numbers, read by the published description of each format and by nothing of ours. Each throws for a file that is not whole. */
export type Rows = readonly (readonly number[])[];

/** numpy.lib.format, version 1.0: float64, C order, the last two axes [4, 1]. */
export function readNpyRows(file: string): Rows {
  const bytes = readFileSync(file);
  if (bytes.length < 10 || bytes.toString('latin1', 0, 8) !== '\x93NUMPY\x01\x00') throw new Error(`${file}: no NPY 1.0`);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', 10, start);
  const found = /^\{'descr': '<f8', 'fortran_order': False, 'shape': \((?:(\d+), )?4, 1\), \} *\n$/.exec(header);
  if (!found || start % 64 !== 0) throw new Error(`${file}: the header is ${JSON.stringify(header)}`);
  const count = Number(found[1] ?? 1);
  if (bytes.length !== start + 32 * count) throw new Error(`${file}: ${bytes.length} bytes, ${start + 32 * count} announced`);
  return Array.from({ length: count }, (_, row) => [0, 8, 16, 24].map((at) => bytes.readDoubleLE(start + 32 * row + at)));
}

/** RFC 4180 with a header line: what it names, then whole rows. */
export function readCsvRows(file: string): Rows {
  const lines = wholeLines(file);
  if (lines[0] !== 'sequence,run,number,double,both') throw new Error(`${file}: begins with ${lines[0]}`);
  return lines.slice(1).map((line) => {
    const cells = line.split(',');
    if (cells.length !== 5 || cells[0] !== cells[2]) throw new Error(`${file}: the row ${line}`);
    return cells.slice(1).map(Number);
  });
}

/** One JSON object a line. */
export function readNdjsonRows(file: string): Rows {
  return wholeLines(file).map((line) => (JSON.parse(line) as { data: number[][] }).data.flat());
}

function wholeLines(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  if (!text.endsWith('\n')) throw new Error(`${file}: the last line is not whole`);
  return text.slice(0, -1).split('\n');
}

/** PNG (RFC 2083): the signature, then chunks up to IEND, which ends the file. */
export function checkPng(file: string): void {
  const bytes = readFileSync(file);
  if (bytes.toString('latin1', 0, 8) !== '\x89PNG\r\n\x1a\n') throw new Error(`${file}: no PNG`);
  let at = 8;
  let type = '';
  while (at + 12 <= bytes.length && type !== 'IEND') {
    type = bytes.toString('latin1', at + 4, at + 8);
    at += 12 + bytes.readUInt32BE(at);
  }
  if (type !== 'IEND' || at !== bytes.length) throw new Error(`${file}: ends at ${bytes.length}, its chunks at ${at} with ${type}`);
}
