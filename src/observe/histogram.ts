/**
 * A log-linear histogram of times in whole microseconds (the idea of HdrHistogram, Gil Tene): every power of two is cut
 * into 64 equal buckets, so that a bucket is at most 1/64 of its values wide and its middle at most 0.8 % off.
 *
 * Words, 32 bits each, from a 64-byte aligned byte address:
 *
 *     0        1 .. 15    16 ..
 *     +--------+----------+--------------------------------------------------+
 *     | max us | unused   | BUCKETS counts: 0 .. 63 us one by one, then 64 a |
 *     |        |          | power of two up to 2^30 us (18 minutes)          |
 *     +--------+----------+--------------------------------------------------+
 *
 * One thread writes, with plain stores; any thread may read. A reader may see a count that is a moment old and a max that
 * is newer than the counts; after the writer has ended it sees all. Counts wrap at 2^32.
 */
const SUB_BITS = 6;
const SUB_BUCKETS = 1 << SUB_BITS;
const TOP_BIT = 29;
const MAX_WORD = 0;
const HEAD_WORDS = 16;
const BUCKETS = SUB_BUCKETS * (TOP_BIT - SUB_BITS + 2);
const MAX_US = 2 ** 31 - 1;

/** What a histogram takes in shared memory. All zero is an empty one. */
export const HISTOGRAM_BYTES = (HEAD_WORDS + BUCKETS) * 4;

/** Microseconds; percentiles by nearest rank, all zero when nothing was recorded. */
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

  /** Over `HISTOGRAM_BYTES` of a buffer at a byte address that is a multiple of 4. */
  constructor(buffer: ArrayBufferLike, address: number) {
    this.#words = new Uint32Array(buffer, address, HEAD_WORDS + BUCKETS);
  }

  /** Fractions are cut off; what is below 0 or not a number counts as 0, what is above 2^31 - 1 as that. */
  record(us: number): void {
    const whole = us >= MAX_US ? MAX_US : us > 0 ? us | 0 : 0;
    const words = this.#words;
    words[HEAD_WORDS + bucketOf(whole)]!++;
    if (whole > words[MAX_WORD]!) words[MAX_WORD] = whole;
  }

  summary(): Summary {
    return summarizeWords([this.#words]);
  }
}

/** The summary of several histograms of one buffer taken together. */
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
      // The last bucket also holds all that is above it; only the maximum is known of that.
      if (rank > 0 && seen >= rank) return bucket === BUCKETS - 1 ? max : Math.min(max, middleOf(bucket));
    }
    return 0;
  };
  return { p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99), max, count };
}
