import { damaged, NotUnderstood } from './damaged.js';
import type { StructureBytes } from './structure-bytes.js';

/** A run of places along one dimension. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** A regular choice along one dimension: `count` blocks of `block` places, `stride` apart; `count` or `block` may be Infinity. */
export interface Regular {
  readonly start: number;
  readonly stride: number;
  readonly count: number;
  readonly block: number;
}

/** A selection of places, the same along each dimension wherever the others are: everything, regular, or spans. */
export type Selection =
  | { readonly all: true }
  | { readonly regular: readonly Regular[] }
  | { readonly spans: readonly (readonly Span[])[] };

const ALL = 3;
const HYPERSLAB = 2;
const MAX_RANK = 32;
const MAX_SPANS = 2 ** 22;

/** A serialised selection. Throws ERR_FORMAT, or NotUnderstood for points and for blocks that are no grid. */
export function readSelection(bytes: StructureBytes): Selection {
  const type = bytes.u32();
  const version = bytes.u32();
  if (type === ALL) {
    bytes.skip(8);
    return { all: true };
  }
  if (type !== HYPERSLAB) throw new NotUnderstood(`a selection of type ${type}`);
  let sideBytes = 4;
  let regular = false;
  if (version === 1) bytes.skip(8);
  else if (version === 2) {
    regular = (bytes.u8() & 1) !== 0;
    bytes.skip(4);
    sideBytes = 8;
  } else if (version === 3) {
    regular = (bytes.u8() & 1) !== 0;
    sideBytes = bytes.u8();
    if (sideBytes !== 2 && sideBytes !== 4 && sideBytes !== 8) throw damaged(`a selection with numbers of ${sideBytes} bytes`);
  } else throw new NotUnderstood(`version ${version} of a selection`);
  const rank = bytes.u32();
  if (rank < 1 || rank > MAX_RANK) throw damaged(`a selection of ${rank} dimensions`);
  if (regular) {
    // "Without a limit" is a number of ones.
    const most = sideBytes === 8 ? Number.POSITIVE_INFINITY : 256 ** sideBytes - 1;
    const side = () => {
      const value = bytes.unsigned(sideBytes);
      return value === most ? Number.POSITIVE_INFINITY : value;
    };
    return { regular: Array.from({ length: rank }, () => ({ start: side(), stride: side(), count: side(), block: side() })) };
  }
  const blocks = bytes.length(sideBytes);
  if (blocks * rank * 2 * sideBytes > bytes.left) throw damaged('a selection is cut off');
  const along: Map<number, number>[] = Array.from({ length: rank }, () => new Map());
  for (let block = 0; block < blocks; block++) {
    const starts = Array.from({ length: rank }, () => bytes.length(sideBytes));
    for (let dimension = 0; dimension < rank; dimension++) {
      const last = bytes.length(sideBytes);
      const start = starts[dimension]!;
      if (last < start) throw damaged('a block of a selection ends before it begins');
      const known = along[dimension]!.get(start);
      if (known !== undefined && known !== last - start + 1) throw new NotUnderstood('blocks of a selection that are no grid');
      along[dimension]!.set(start, last - start + 1);
    }
  }
  const spans = along.map((starts) => joined([...starts].sort((a, b) => a[0] - b[0]).map(([start, length]) => ({ start, length }))));
  if (along.reduce((product, starts) => product * starts.size, 1) !== blocks)
    throw new NotUnderstood('blocks of a selection that are no grid');
  return { spans };
}

/** The spans of a selection along each dimension of an array; what is without a limit ends where the array does. */
export function spansOf(selection: Selection, shape: readonly number[]): Span[][] {
  if ('all' in selection) return shape.map((length) => [{ start: 0, length }]);
  const sides = 'regular' in selection ? selection.regular : selection.spans;
  if (sides.length !== shape.length) throw damaged(`a selection of ${sides.length} dimensions in an array of ${shape.length}`);
  if ('spans' in selection) return selection.spans.map((spans) => [...spans]);
  return selection.regular.map(({ start, stride, count, block }, dimension) => {
    const side = shape[dimension]!;
    if (block === Number.POSITIVE_INFINITY || (stride === block && count === Number.POSITIVE_INFINITY))
      return [{ start, length: Math.max(0, side - start) }];
    const blocks = count === Number.POSITIVE_INFINITY ? Math.max(0, Math.ceil((side - start) / Math.max(1, stride))) : count;
    if (blocks > MAX_SPANS) throw damaged('a selection has too many blocks');
    if (blocks > 1 && stride < block) throw damaged('the blocks of a selection overlap');
    return joined(Array.from({ length: blocks }, (_, index) => ({ start: start + index * stride, length: block })));
  });
}

/** Spans that touch become one. */
function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last && last.start + last.length === span.start)
      result[result.length - 1] = { start: last.start, length: last.length + span.length };
    else if (last && last.start + last.length > span.start) throw new NotUnderstood('blocks of a selection that overlap');
    else result.push(span);
  }
  return result;
}
