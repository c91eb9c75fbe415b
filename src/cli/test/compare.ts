import type { Ledger } from '../../observe/report.js';
import { asStack, type CaseFrame } from './case-frames.js';
import type { ExpectedCounts, ExpectedSink, Tolerance } from './test-file.js';

/** One difference that a case found. */
export interface Difference {
  readonly kind: 'count' | 'shape' | 'dtype' | 'value' | 'ledger' | 'run';
  /** The sink; for `ledger` the source. */
  readonly node?: string;
  /** Number of the frame at the sink, from 0. */
  readonly frame?: number;
  /** Index of an item in its frame. */
  readonly index?: readonly number[];
  readonly expected?: unknown;
  readonly found?: unknown;
  readonly message: string;
}

/** Further frames that differ are counted but not listed. */
const MAX_FRAMES = 5;

/**
 * Compares the frames at a sink with the expected ones: the first item that differs in each frame, and the number of
 * differences.
 */
export function compareSink(node: string, expected: ExpectedSink, found: readonly CaseFrame[]): Difference[] {
  const differences: Difference[] = [];
  const { tolerance, dtype } = expected;
  const frames = expectedFrames(expected, found);
  const count = expected.count ?? frames?.length;
  if (count !== undefined && count !== found.length) {
    const message = `sink '${node}': expected ${count} ${count === 1 ? 'frame' : 'frames'}, found ${found.length}`;
    differences.push({ kind: 'count', node, expected: count, found: found.length, message });
  }
  const wrong: Difference[] = [];
  for (const [index, frame] of found.entries()) {
    if (dtype !== undefined && frame.dtype !== dtype) {
      const message = `sink '${node}', frame ${index}: expected dtype ${dtype}, found ${frame.dtype}`;
      wrong.push({ kind: 'dtype', node, frame: index, expected: dtype, found: frame.dtype, message });
    }
    const other = frames?.[index];
    const difference = other && compareFrame(node, index, other, frame, tolerance);
    if (difference) wrong.push(difference);
  }
  differences.push(...wrong.slice(0, MAX_FRAMES));
  if (wrong.length > MAX_FRAMES) {
    const more = wrong.length - MAX_FRAMES;
    differences.push({ kind: 'value', node, message: `sink '${node}': ${more} more ${more === 1 ? 'difference' : 'differences'}` });
  }
  return differences;
}

function expectedFrames({ frames }: ExpectedSink, found: readonly CaseFrame[]): readonly CaseFrame[] | undefined {
  const [only] = frames ?? [];
  const rank = found[0]?.shape.length;
  return frames?.length === 1 && only && rank !== undefined && only.shape.length === rank + 1 ? asStack(only) : frames;
}

function compareFrame(node: string, frame: number, expected: CaseFrame, found: CaseFrame, tolerance: Tolerance): Difference | undefined {
  const where = `sink '${node}', frame ${frame}`;
  if (String(expected.shape) !== String(found.shape)) {
    const message = `${where}: expected shape [${expected.shape.join(', ')}], found [${found.shape.join(', ')}]`;
    return { kind: 'shape', node, frame, expected: expected.shape, found: found.shape, message };
  }
  let differing = 0;
  let first = -1;
  for (let item = 0; item < found.data.length; item++) {
    if (isEqual(expected.data[item]!, found.data[item]!, tolerance)) continue;
    if (differing++ === 0) first = item;
  }
  if (differing === 0) return undefined;
  const index = indexOf(first, found.shape);
  const [a, b] = [expected.data[first]!, found.data[first]!].map(plain);
  const message =
    `${where}, item [${index.join(', ')}]: expected ${String(a)}, found ${String(b)} (${toleranceText(tolerance)}); ` +
    `${differing} of ${found.data.length} items differ`;
  return { kind: 'value', node, frame, index, expected: a, found: b, message };
}

function isEqual(a: number | bigint, b: number | bigint, { absolute, relative }: Tolerance): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  // 64-bit integers without a tolerance are compared exactly: as floats, different values could be equal.
  if (typeof a === 'bigint' && typeof b === 'bigint' && absolute === 0 && relative === 0) return false;
  return Math.abs(Number(a) - Number(b)) <= absolute + relative * Math.abs(Number(a));
}

/** JSON cannot represent a bigint. */
const plain = (value: number | bigint): number | string => (typeof value === 'bigint' || !Number.isFinite(value) ? String(value) : value);

function toleranceText({ absolute, relative }: Tolerance): string {
  if (absolute === 0 && relative === 0) return 'tolerance 0';
  return `tolerance ${[...(absolute > 0 ? [String(absolute)] : []), ...(relative > 0 ? [`${relative} relative`] : [])].join(' + ')}`;
}

function indexOf(item: number, shape: readonly number[]): number[] {
  const index: number[] = [];
  for (const side of [...shape].reverse()) {
    index.unshift(item % side);
    item = Math.floor(item / side);
  }
  return index;
}

/** Checks the counters of a ledger that the test names. */
export function compareLedger(node: string, expected: ExpectedCounts, ledger: Ledger): Difference[] {
  const differences: Difference[] = [];
  const compare = (name: string, wanted: number, found: number): void => {
    if (wanted !== found)
      differences.push({
        kind: 'ledger',
        node,
        expected: wanted,
        found,
        message: `ledger of '${node}', ${name}: expected ${wanted}, found ${found}`,
      });
  };
  for (const [name, wanted] of Object.entries(expected)) {
    const found = ledger[name as keyof Ledger];
    if (typeof found === 'number') compare(name, Number(wanted), found);
    else if (typeof wanted === 'number')
      compare(
        name,
        wanted,
        Object.values(found).reduce((sum, n) => sum + n, 0),
      );
    else
      for (const reason of new Set([...Object.keys(wanted), ...Object.keys(found).filter((key) => (found[key] ?? 0) > 0)]))
        compare(
          `${name}.${reason}`,
          (Object.hasOwn(wanted, reason) && wanted[reason]) || 0,
          (Object.hasOwn(found, reason) && found[reason]) || 0,
        );
  }
  return differences;
}
