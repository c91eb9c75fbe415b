import { asMillraceError, type MillraceError } from '../../errors/errors.js';
import { type ArrayReader, copyBox, forEachPlace, itemsOf } from './box.js';
import { damaged, NotUnderstood } from './damaged.js';
import type { DatasetHeader } from './dataset-header.js';
import { fillItems } from './fill-items.js';
import { MissingFile } from './open-file.js';
import { type Span, spansOf } from './selection.js';
import type { VirtualMapping } from './virtual-layout.js';

/** Sources that are open at a time. */
const MAX_OPEN_SOURCES = 16;
const SERIES_NAME = /%\d*b/;

/** Along one dimension: a run of places in the virtual dataset, and where they are in the source. */
interface Piece {
  readonly target: number;
  readonly source: number;
  readonly length: number;
}

interface OpenedMapping {
  readonly source: ArrayReader;
  /** For each dimension of the virtual dataset, in order of the target. */
  readonly pieces: readonly (readonly Piece[])[];
  /** Which dimension of the source each one is; -1 for those that have one place in the target only. */
  readonly dimensions: readonly number[];
  /** The places of the source in the dimensions that are none of the target. */
  readonly fixed: readonly number[];
}

/**
 * The items of a virtual dataset, put together from its sources. HDF5 gives fill values where a source is missing or too
 * short; here that is an error which names the source. Places that belong to no source, such as the gaps between modules,
 * have the fill value, but a box that has no source at all is an error too.
 */
export function virtualArray(
  header: DatasetHeader,
  mappings: readonly VirtualMapping[],
  openSource: (file: string, dataset: string) => ArrayReader,
): ArrayReader {
  const { shape, element } = header;
  const series = mappings.find(({ file, dataset }) => SERIES_NAME.test(file) || SERIES_NAME.test(dataset));
  if (series) throw damaged(`sources that are named by a pattern (${series.file}) are not read; read the source files themselves`);
  const targets = mappings.map(({ target }) => spansOf(target, shape));
  const opened = new Map<VirtualMapping, OpenedMapping>();

  return {
    shape,
    itemBytes: element.bytes,
    readBox(start, count, output) {
      let sources = 0;
      let items = 0;
      const wanted = itemsOf(count);
      output.set(fillItems(wanted, header));
      mappings.forEach((mapping, index) => {
        if (!targets[index]!.every((spans, dimension) => overlaps(spans, start[dimension]!, count[dimension]!))) return;
        sources++;
        items += copyFrom(mapping, targets[index]!, start, count, output);
      });
      if (sources === 0) throw damaged('it belongs to no source of the virtual dataset');
      if (items === 0) throw damaged('no source of the virtual dataset has it');
    },
    close() {
      for (const { source } of opened.values()) source.close?.();
      opened.clear();
    },
  };

  function copyFrom(
    mapping: VirtualMapping,
    target: Span[][],
    start: readonly number[],
    count: readonly number[],
    output: Uint8Array,
  ): number {
    let copied = 0;
    const { source, pieces, dimensions, fixed } = open(mapping, target);
    // Of each dimension, the pieces that reach into the box.
    const inside = pieces.map((along, dimension) => clipped(along, start[dimension]!, count[dimension]!));
    forEachPlace(
      inside.map(() => 0),
      inside.map((along) => along.length),
      (place) => {
        const chosen = place.map((piece, dimension) => inside[dimension]![piece]!);
        const size = chosen.map(({ length }) => length);
        const sourceStart = [...fixed];
        const sourceCount = fixed.map(() => 1);
        dimensions.forEach((dimension, index) => {
          if (dimension < 0) return;
          sourceStart[dimension] = chosen[index]!.source;
          sourceCount[dimension] = chosen[index]!.length;
        });
        if (sourceStart.some((at, dimension) => at + sourceCount[dimension]! > source.shape[dimension]!))
          throw damaged(`its source ${mapping.file} has fewer items than the virtual dataset expects (shape ${source.shape.join(' x ')})`);
        const bytes = new Uint8Array(itemsOf(size) * element.bytes);
        try {
          source.readBox(sourceStart, sourceCount, bytes);
        } catch (error) {
          throw inSource(mapping, error);
        }
        copyBox(
          { bytes, shape: size, start: size.map(() => 0) },
          { bytes: output, shape: count, start: chosen.map((piece, dimension) => piece.target - start[dimension]!) },
          size,
          element.bytes,
        );
        copied += itemsOf(size);
      },
    );
    return copied;
  }

  function open(mapping: VirtualMapping, target: Span[][]): OpenedMapping {
    const known = opened.get(mapping);
    if (known) return known;
    let source: ArrayReader;
    try {
      source = openSource(mapping.file, mapping.dataset);
    } catch (error) {
      throw inSource(mapping, error);
    }
    try {
      const result = { source, ...match(target, spansOf(mapping.source, source.shape), mapping.file) };
      if (opened.size >= MAX_OPEN_SOURCES) {
        const [oldest, { source: other }] = opened.entries().next().value!;
        other.close?.();
        opened.delete(oldest);
      }
      opened.set(mapping, result);
      return result;
    } catch (error) {
      source.close?.();
      throw error instanceof NotUnderstood ? damaged(error.message) : error;
    }
  }
}

function inSource({ file, dataset }: VirtualMapping, error: unknown): MillraceError {
  if (error instanceof MissingFile) return error;
  return damaged(
    `in its source ${file} (dataset ${dataset}), ${asMillraceError(error, 'ERR_FORMAT').message.replace(/^hdf5: /, '')}`,
    error,
  );
}

const overlaps = (spans: readonly Span[], start: number, count: number): boolean =>
  spans.some((span) => span.start < start + count && span.start + span.length > start);

function clipped(pieces: readonly Piece[], start: number, count: number): Piece[] {
  const inside: Piece[] = [];
  for (const { target, source, length } of pieces) {
    const from = Math.max(target, start);
    const end = Math.min(target + length, start + count);
    if (from < end) inside.push({ target: from, source: source + from - target, length: end - from });
  }
  return inside;
}

/**
 * Puts the dimensions of both selections side by side: HDF5 takes the items of both in C order, so dimensions of one place
 * aside they have the same lengths.
 */
function match(target: Span[][], source: Span[][], file: string): Omit<OpenedMapping, 'source'> {
  const length = (spans: readonly Span[]) => spans.reduce((sum, span) => sum + span.length, 0);
  const dimensions = target.map(() => -1);
  const pieces: Piece[][] = [];
  let next = 0;
  target.forEach((spans, index) => {
    const items = length(spans);
    if (items === 1) {
      pieces.push([{ target: spans[0]!.start, source: 0, length: 1 }]);
      return;
    }
    while (next < source.length && length(source[next]!) === 1) next++;
    if (next >= source.length) throw otherShape(file);
    // A source that grows may be longer or shorter along its slowest dimension: missing parts are reported when they
    // are read.
    const slowest = dimensions.every((dimension) => dimension < 0);
    if (!slowest && items !== length(source[next]!)) throw otherShape(file);
    pieces.push(sideBySide(spans, source[next]!));
    dimensions[index] = next++;
  });
  for (; next < source.length; next++) if (length(source[next]!) !== 1) throw otherShape(file);
  return { pieces, dimensions, fixed: source.map((spans) => spans[0]?.start ?? 0) };
}

const otherShape = (file: string) => damaged(`the part of its source ${file} has another shape than the part of the virtual dataset`);

function sideBySide(target: readonly Span[], source: readonly Span[]): Piece[] {
  const pieces: Piece[] = [];
  let index = 0;
  let used = 0;
  for (const span of target) {
    for (let done = 0; done < span.length; ) {
      const other = source[index];
      const length = Math.min(span.length - done, other ? other.length - used : Number.POSITIVE_INFINITY);
      pieces.push({ target: span.start + done, source: other ? other.start + used : Number.POSITIVE_INFINITY, length });
      done += length;
      used += length;
      if (other && used === other.length) {
        index++;
        used = 0;
      }
    }
  }
  return pieces;
}
