import type { ArenaViews } from '../frame/arena-views.js';
import { CounterFold } from '../observe/counter-fold.js';
import type { LateCounts } from '../observe/late-losses.js';
import { isDead, isDrop, OUTCOME, OUTCOME_CODES, outcomeName } from '../observe/outcome.js';
import type { Ledger } from '../observe/report.js';
import type { SourceNode } from '../plan/plan-types.js';
import { ENTRY, LEAF_OUTCOMES, VIEWS } from '../ring/ring-layout.js';

const CODES = VIEWS.countBytes / 4;

/** Counts by outcome code. */
export type OutcomeCounts = (code: number) => number;

/** A ledger without frames that count as delivered, but that its sinks have accepted and not delivered, or not yet. */
export function withLate(ledger: Ledger, { pending, lost, undelivered }: LateCounts): Ledger {
  let { delivered } = ledger;
  const take = (n: number): number => {
    const taken = Math.min(Math.max(0, n), delivered);
    delivered -= taken;
    return taken;
  };
  const dead: Record<string, number> = { ...ledger.dead };
  const lostFrames = take(lost);
  const openFrames = take(undelivered);
  if (lostFrames > 0) dead.lost = lostFrames;
  if (openFrames > 0) dead.undelivered = openFrames;
  const inFlight = ledger.inFlight + take(pending);
  return { ...ledger, delivered, dead, inFlight };
}

/** A ledger from counts by outcome. `lost`: of the merged frames, those whose result was lost. */
export function ledgerOf(count: OutcomeCounts, received: number, inFlight: number, partialsLost: number): Ledger {
  const dropped: Record<string, number> = {};
  const dead: Record<string, number> = {};
  for (const code of OUTCOME_CODES) {
    const n = count(code);
    if (n === 0) continue;
    const name = outcomeName(code) as string;
    if (isDrop(code)) dropped[name] = n;
    else if (isDead(code)) dead[name] = n;
  }
  // They counted as merged when they were absorbed; the sweep may be behind.
  const lost = Math.min(partialsLost, count(OUTCOME.merged));
  if (lost > 0) dead['partial-lost'] = (dead['partial-lost'] ?? 0) + lost;
  return {
    received,
    delivered: count(OUTCOME.delivered),
    merged: count(OUTCOME.merged) - lost,
    filtered: count(OUTCOME.filtered),
    dropped,
    dead,
    inFlight,
  };
}

/**
 * The outcomes of the frames of one source at each of its several sinks, read by the main thread. `poll` must run at
 * least every few seconds.
 */
export class SinkLedgers {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #source: SourceNode;
  readonly #fold: CounterFold;

  constructor({ words, bytes }: ArenaViews, source: SourceNode) {
    this.#words = words;
    this.#bytes = bytes;
    this.#source = source;
    this.#fold = new CounterFold(source.sinks.length * CODES);
  }

  /** Reads the live bank: the word must be the same before and after. */
  poll(): void {
    const { address, bankBytes } = this.#source.views!;
    const values = new Int32Array(this.#source.sinks.length * CODES);
    for (let tries = 0; tries < 100; tries++) {
      const before = Atomics.load(this.#words, (address + VIEWS.word) >>> 2); // acquires: the bank
      const from = (address + VIEWS.banks + (before & 1) * bankBytes + VIEWS.counts) >>> 2;
      values.set(this.#words.subarray(from, from + values.length));
      if (Atomics.load(this.#words, (address + VIEWS.word) >>> 2) === before) break;
    }
    for (const [i, value] of values.entries()) this.#fold.fold(i, value);
  }

  /** By the number of the sink among those of the source. */
  counts(sink: number): OutcomeCounts {
    return (code) => this.#fold.totals[sink * CODES + code]!;
  }

  /**
   * For the ordinals `from` to `to`, which are not counted: how many records have been settled on all of some leaves,
   * by outcome. For a run that is over.
   */
  endedOf(leaves: number, from: number, to: number): Map<number, number> {
    const { table, tableEntries, parcel, views } = this.#source;
    const ended = new Map<number, number>();
    const add = (code: number, n: number): void => void ended.set(code, (ended.get(code) ?? 0) + n);
    for (let n = from; n !== to; n = (n + 1) | 0) {
      const index = n & (tableEntries - 1);
      const entry = (table + index * ENTRY.bytes) >>> 2;
      if ((this.#words[entry + ENTRY.owed / 4]! & leaves) !== 0) continue;
      const at = views!.outcomes + index * views!.outcomeStride;
      const count = this.#words[entry + ENTRY.count / 4]!;
      if (this.#words[entry + ENTRY.split / 4] === 0) {
        add(
          worst(leaves, (leaf) => this.#bytes[at + leaf]!),
          count,
        );
        continue;
      }
      for (let record = 0; record < count; record++)
        add(
          worst(leaves, (leaf) => this.#bytes[at + LEAF_OUTCOMES + leaf * parcel!.maxRecords + record]! || this.#bytes[at + leaf]!),
          1,
        );
    }
    return ended;
  }
}

function worst(leaves: number, byteOf: (leaf: number) => number): number {
  let most = 1;
  for (let leaf = 0; leaf < 32; leaf++) if ((leaves >>> leaf) & 1) most = Math.max(most, byteOf(leaf));
  return most - 1;
}
