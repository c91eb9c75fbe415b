/**
 * A log-linear histogram of times in whole microseconds (the idea of HdrHistogram, Gil Tene): every power of two is
 * divided into 64 equal buckets. A bucket is at most 1/64 of its values wide, and its middle is at most 0.8 % off.
 *
 * Words, 32 bits each, from a 64-byte aligned byte address:
 *
 *     0        1         2          3 .. 15    16 ..
 *     +--------+---------+----------+----------+--------------------------------------------------+
 *     | max us | sum low | sum high | unused   | BUCKETS counts: 0 .. 63 us one by one, then 64 a |
 *     |        |         |          |          | power of two up to 2^30 us (18 minutes)          |
 *     +--------+---------+----------+----------+--------------------------------------------------+
 *
 * One thread writes, with plain stores; any thread may read. A reader may see a slightly old count, and a max that is
 * newer than the counts; after the writer has ended it sees all values. Counts wrap at 2^32.
 */
const SUB_BITS = 6;
const SUB_BUCKETS = 1 << SUB_BITS;
const TOP_BIT = 29;
const MAX_WORD = 0;
const SUM_WORD = 1;
const HEAD_WORDS = 16;
const BUCKETS = SUB_BUCKETS * (TOP_BIT - SUB_BITS + 2);
const MAX_US = 2 ** 31 - 1;

/** Bytes of a histogram in shared memory. All zero is an empty histogram. */
export const HISTOGRAM_BYTES = (HEAD_WORDS + BUCKETS) * 4;

/** Microseconds; percentiles by nearest rank; all zero when nothing was recorded. */
export interface Summary {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

function bucketOf(us: number): number {
  if (us < SUB_BUCKETS) return us;
  const top = 31 - Math.clz32(us);
  if (top > TOP_BIT) return BUCKETS - 1;
  return ((top - SUB_BITS + 1) << SUB_BITS) + ((us >>> (top - SUB_BITS)) & (SUB_BUCKETS - 1));
}

/** The middle of a bucket's values. */
function middleOf(bucket: number): number {
  if (bucket < SUB_BUCKETS) return bucket;
  const shift = (bucket >>> SUB_BITS) - 1;
  const first = (SUB_BUCKETS + (bucket & (SUB_BUCKETS - 1))) * 2 ** shift;
  return first + (2 ** shift - 1) / 2;
}

export class Histogram {
  readonly #words: Uint32Array;

  /** Over `HISTOGRAM_BYTES` of a buffer, at a byte address that is a multiple of 4. */
  constructor(buffer: ArrayBufferLike, address: number) {
    this.#words = new Uint32Array(buffer, address, HEAD_WORDS + BUCKETS);
  }

  /** Truncates fractions; a value below 0 or not a number counts as 0, a value above 2^31 - 1 as that. */
  record(us: number): void {
    const whole = us >= MAX_US ? MAX_US : us > 0 ? us | 0 : 0;
    const words = this.#words;
    words[HEAD_WORDS + bucketOf(whole)]!++;
    const low = (words[SUM_WORD]! + whole) >>> 0;
    if (low < whole) words[SUM_WORD + 1]!++;
    words[SUM_WORD] = low;
    if (whole > words[MAX_WORD]!) words[MAX_WORD] = whole;
  }

  summary(): Summary {
    return summarizeWords([this.#words]);
  }
}

/** The number of values below each bound. */
export interface Cumulative {
  /** Upper bounds in microseconds, rising. */
  readonly boundsUs: readonly number[];
  /** Number of values below each bound. */
  readonly counts: readonly number[];
  readonly count: number;
  readonly sumUs: number;
}

/** Powers of two from 64 us to 67 s: bucket edges, so that the counts are exact. */
const BOUNDS_US: readonly number[] = Array.from({ length: 21 }, (_, n) => 2 ** (SUB_BITS + n));

/** Reads a histogram from a buffer, as counts below each power of two. */
export function cumulate(buffer: ArrayBufferLike, address: number): Cumulative {
  const words = new Uint32Array(buffer, address, HEAD_WORDS + BUCKETS);
  const counts: number[] = [];
  let count = 0;
  let bound = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    if (bound < BOUNDS_US.length && bucket === bucketOf(BOUNDS_US[bound]!)) {
      counts.push(count);
      bound++;
    }
    count += words[HEAD_WORDS + bucket]!;
  }
  return { boundsUs: BOUNDS_US, counts, count, sumUs: sumOf(words) };
}

/** Its two words, read at the same moment. */
function sumOf(words: Uint32Array): number {
  for (let tries = 0; ; tries++) {
    const high = Atomics.load(words, SUM_WORD + 1);
    const low = Atomics.load(words, SUM_WORD);
    if (tries === 100 || high === Atomics.load(words, SUM_WORD + 1)) return high * 2 ** 32 + low;
  }
}

/** The summary of several histograms of one buffer combined. */
export function summarize(buffer: ArrayBufferLike, addresses: readonly number[]): Summary {
  return summarizeWords(addresses.map((address) => new Uint32Array(buffer, address, HEAD_WORDS + BUCKETS)));
}

function summarizeWords(histograms: readonly Uint32Array[]): Summary {
  const counts = new Float64Array(BUCKETS);
  let count = 0;
  let max = 0;
  for (const words of histograms) {
    max = Math.max(max, words[MAX_WORD]!);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      counts[bucket]! += words[HEAD_WORDS + bucket]!;
      count += words[HEAD_WORDS + bucket]!;
    }
  }
  const percentile = (share: number): number => {
    const rank = Math.ceil(share * count);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += counts[bucket]!;
      // The last bucket also holds all higher values; only their maximum is known.
      if (rank > 0 && seen >= rank) return bucket === BUCKETS - 1 ? max : Math.min(max, middleOf(bucket));
    }
    return 0;
  };
  return { p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99), max, count };
}
