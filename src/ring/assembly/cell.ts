// A ring cell: one u64 that changes by compare-exchange only, `| reference: u32 | position: u32 |`, position in the low
// half.
//
//   { n, EMPTY }              waits for position n
//   { n, reference }          has the reference of position n
//   { n + cells, EMPTY }      the reference was taken: the cell waits for its next position
import { EMPTY } from './layout';

/** Address of the cell of a position. `mask`: number of cells - 1. */
@inline
export function cellAt(cells: usize, position: u32, mask: u32): usize {
  return cells + ((<usize>(position & mask)) << 3);
}

@inline
export function positionOf(cell: u64): u32 {
  return <u32>cell;
}

@inline
export function referenceOf(cell: u64): u32 {
  return <u32>(cell >> 32);
}

/** The cell with a reference at a position. */
@inline
export function cellWith(position: u32, reference: u32): u64 {
  return ((<u64>reference) << 32) | <u64>position;
}

/** The cell that waits for a position. */
@inline
export function cellWaitingFor(position: u32): u64 {
  return cellWith(position, EMPTY);
}
