import type { LateFate, LateFrames } from '../../egress/egress.js';
import type { FrameView } from '../../frame/frame-view.js';
import type { LateReport } from '../../observe/late-report.js';
import { LATE } from '../../observe/sink-stats.js';

/** Ranges of numbers that are listed for each source, and frames whose identity is kept so that none counts twice. */
const MAX_RANGES = 100;
const MAX_KEYS = 65_536;

/**
 * Frames that a sink has accepted and that its client takes later: a tag for each, until its fate is known. Its words, three
 * for each source, are written by this thread only. A frame that became several messages counts once.
 */
export class LateDeliveries implements LateFrames {
  readonly #words: Int32Array;
  readonly #address: number;
  readonly #names: readonly string[];
  readonly #frameOf: (index: number) => FrameView;
  readonly #onDelivered: (receivedUs: number) => void;
  /** By tag. */
  #source = new Uint8Array(256);
  #sequence = new Float64Array(256);
  #key = new Float64Array(256);
  #receivedUs = new Float64Array(256);
  /** 1: its batch is being written. */
  #isUnsettled = new Uint8Array(256);
  readonly #free: number[] = [];
  #used = 0;
  /** Tags of the batch that is being written. */
  readonly #batch: number[] = [];
  readonly #bad: { readonly keys: Set<number>; readonly ranges: Record<'lost' | 'undelivered', [number, number][]> }[];

  constructor(
    words: Int32Array,
    address: number,
    names: readonly string[],
    frameOf: (index: number) => FrameView,
    onDelivered: (receivedUs: number) => void,
  ) {
    this.#words = words;
    this.#address = address;
    this.#names = names;
    this.#frameOf = frameOf;
    this.#onDelivered = onDelivered;
    this.#bad = names.map(() => ({ keys: new Set(), ranges: { lost: [], undelivered: [] } }));
    // What a thread before this one had accepted when it died is lost; what it was reading from slots comes again.
    for (const source of names.keys()) {
      const pending = this.#word(source, LATE.pending);
      const unsettled = this.#word(source, LATE.unsettled);
      this.#add(source, LATE.lost, pending - unsettled);
      this.#add(source, LATE.pending, -pending);
      this.#add(source, LATE.unsettled, -unsettled);
    }
  }

  accept(index: number): number {
    const frame = this.#frameOf(index);
    const tag = this.#free.pop() ?? this.#used++;
    if (tag === this.#source.length) this.#grow();
    this.#source[tag] = frame.sourceIndex;
    this.#sequence[tag] = frame.sequence;
    this.#key[tag] = frame.ordinal * 65_536 + frame.index;
    this.#receivedUs[tag] = frame.receivedUs;
    this.#batch.push(tag);
    this.#isUnsettled[tag] = 1;
    this.#add(frame.sourceIndex, LATE.pending, 1);
    this.#add(frame.sourceIndex, LATE.unsettled, 1);
    return tag;
  }

  /** A frame that a thread before this one had settled as delivered came again: it was counted as lost with that thread. */
  again(source: number): void {
    if (this.#word(source, LATE.lost) > 0) this.#add(source, LATE.lost, -1);
  }

  settle(tag: number, fate: LateFate): void {
    const source = this.#source[tag]!;
    if (source === DISOWNED) {
      this.#free.push(tag);
      return;
    }
    this.#settled(tag);
    this.#add(source, LATE.pending, -1);
    if (fate === 'delivered') this.#onDelivered(this.#receivedUs[tag]!);
    else {
      const { keys, ranges } = this.#bad[source]!;
      const key = this.#key[tag]!;
      if (!keys.has(key)) {
        if (keys.size < MAX_KEYS) keys.add(key);
        this.#add(source, LATE[fate], 1);
        addNumber(ranges[fate], this.#sequence[tag]!);
      }
    }
    this.#free.push(tag);
  }

  /** The batch is settled: its frames are the client's now. */
  own(): void {
    for (const tag of this.#batch) this.#settled(tag);
    this.#batch.length = 0;
  }

  /** The batch failed: its frames stay in flight, whatever becomes of those that were accepted. */
  disown(): void {
    for (const tag of this.#batch) {
      if (!this.#settled(tag)) continue;
      this.#add(this.#source[tag]!, LATE.pending, -1);
      this.#source[tag] = DISOWNED;
    }
    this.#batch.length = 0;
  }

  /** False if it was before. */
  #settled(tag: number): boolean {
    if (this.#isUnsettled[tag] === 0) return false;
    this.#isUnsettled[tag] = 0;
    this.#add(this.#source[tag]!, LATE.unsettled, -1);
    return true;
  }

  get report(): LateReport {
    const of = (fate: 'lost' | 'undelivered') =>
      Object.fromEntries(
        this.#names.flatMap((name, source) => {
          const ranges = this.#bad[source]!.ranges[fate];
          return ranges.length > 0 ? [[name, ranges.toSorted(([a], [b]) => a - b)]] : [];
        }),
      );
    return { lost: of('lost'), undelivered: of('undelivered') };
  }

  #word(source: number, word: number): number {
    return this.#words[(this.#address + source * LATE.bytes + word) >>> 2]!;
  }

  #add(source: number, word: number, n: number): void {
    this.#words[(this.#address + source * LATE.bytes + word) >>> 2]! += n;
  }

  #grow(): void {
    const size = 2 * this.#source.length;
    const grown = <T extends Uint8Array | Float64Array>(made: T, before: T): T => {
      made.set(before);
      return made;
    };
    this.#source = grown(new Uint8Array(size), this.#source);
    this.#isUnsettled = grown(new Uint8Array(size), this.#isUnsettled);
    this.#sequence = grown(new Float64Array(size), this.#sequence);
    this.#key = grown(new Float64Array(size), this.#key);
    this.#receivedUs = grown(new Float64Array(size), this.#receivedUs);
  }
}

/** No source has this index: there are fewer threads. */
const DISOWNED = 255;

function addNumber(ranges: [number, number][], n: number): void {
  const last = ranges[ranges.length - 1];
  if (last && n === last[1] + 1) last[1] = n;
  else if (ranges.length < MAX_RANGES) ranges.push([n, n]);
}
