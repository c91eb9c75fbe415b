import type { LetterPlan } from '../dead-letters/letter-box.js';
import type { DeliveryPromise } from '../egress/egress.js';
import type { DType } from '../frame/dtype.js';
import type { ModuleCode } from '../modules/module-code.js';
import type { EdgeOrder, OverflowKind } from '../spec/spec.js';
import type { PreparedOperator } from './prepare-stage.js';
import type { Route } from './routes.js';
import type { SinkLeaves } from './sink-leaves.js';

/**
 * An edge into a node: its only one, or one of several. All addresses are bytes in the arena. Plain data: threads
 * receive it unchanged.
 */
export interface EdgePlan {
  /** From 1 on; 0 means "claimed new" in a place word. */
  readonly number: number;
  readonly node: string;
  /** Number among the edges into the node. */
  readonly input: number;
  readonly kind: 'fifo' | 'ordered';
  readonly overflow: OverflowKind;
  readonly every: number;
  readonly order: EdgeOrder;
  /** Most references on a FIFO edge; cells per source of an ordered one. */
  readonly limit: number;
  readonly cells: number;
  readonly ring: number;
  /** The ring of what dead threads held, its cells, and its number in place words. */
  readonly lane: number;
  readonly laneCells: number;
  readonly laneNumber: number;
  /** How often a frame may die with a thread that had it from here before it is given up. */
  readonly attempts: number;
  /** It leads into a stage, which hands on the end of a series whatever becomes of its frames. */
  readonly handsOn: boolean;
  readonly arrayStride: number;
  readonly itemBell: number;
  readonly spaceBell: number;
  readonly leafTable: number;
  /** Leaves by source and branch. */
  readonly leaves: readonly (readonly number[])[];
  /** Owners of the pools whose slots can reach it. */
  readonly reach: readonly string[];
  /** Nodes that hand on into it: it is closed when all of them have ended. */
  readonly producers: readonly string[];
  /** Threads that may wait for room, in the order of their bits. */
  readonly producerThreads: readonly number[];
  /** Threads that take from it. Edges into one node with the same ones have one item bell. */
  readonly consumerThreads: readonly number[];
}

/** Equal slots of one node and the ring of the free ones. */
export interface PoolPlan {
  readonly owner: string;
  readonly slots: number;
  readonly firstSlot: number;
  /** Distance of two payloads: their bytes, meta and guard included. */
  readonly slotBytes: number;
  readonly maxDataBytes: number;
  readonly cells: number;
  readonly ring: number;
  readonly bell: number;
  readonly payload: number;
  readonly threads: readonly number[];
}

export interface ThreadPlan {
  readonly thread: number;
  readonly line: number;
  readonly node: string;
  /** Number within the node: its bit in the node's bells. */
  readonly index: number;
}

/** What a thread loads for a source or sink: the code of its module and of that of its codec; undefined for built-ins. */
export interface ConnectorCode {
  readonly code: ModuleCode | undefined;
  readonly codec: ModuleCode | undefined;
}

export interface SourceNode {
  readonly name: string;
  readonly modules: ConnectorCode;
  /** Goes on, in another thread, when its own died. */
  readonly restarts: boolean;
  readonly index: number;
  readonly thread: number;
  readonly block: number;
  readonly bell: number;
  readonly table: number;
  readonly tableEntries: number;
  /** Where its series are described. */
  readonly series: number;
  /** Whether an operator that its frames reach hands on at the end what it held. */
  readonly flushes: boolean;
  readonly leaves: number;
  /** The sinks that its frames reach. */
  readonly sinks: readonly SinkLeaves[];
  /** Those by which its ledger counts: the required ones, or all where none is. */
  readonly counted: readonly string[];
  /** Where it has several: how frames ended at each. */
  readonly views: ViewsPlan | undefined;
  readonly routes: readonly Route[];
  readonly maxFrameBytes: number;
  readonly shape: readonly number[] | undefined;
  readonly dtype: DType | undefined;
  readonly parcel: ParcelPlan | undefined;
  /** Most slots that it borrows for data that is still to arrive. */
  readonly lends: number;
}

/** The ledger of a source by its sinks (VIEWS of the ring layout). */
export interface ViewsPlan {
  readonly address: number;
  readonly bankBytes: number;
  /** The leaves that the ledger of the source counts by. */
  readonly headline: number;
  /** A byte for each leaf of each entry of the settlement table. */
  readonly outcomes: number;
  readonly outcomeStride: number;
}

/** How the small messages of a source are packed, and the address of the outcomes of records (SOURCE of the ring layout). */
export interface ParcelPlan {
  readonly bytes: number;
  readonly waitUs: number;
  readonly maxRecords: number;
  readonly outcomes: number;
  readonly outcomeStride: number;
  /** The records of a parcel go one way at every stage that chooses by a key of their meta, */
  readonly keys: readonly MetaKey[];
  /** and are of one block where a stage takes them by blocks. */
  readonly byBlock: boolean;
}

/** A stage with several workers takes frames by a key of the meta. */
export interface MetaKey {
  readonly name: string;
  readonly workers: number;
}

/** The location of the parameters of a stage that may be updated: a block (`STAGE_PARAMETERS`) and two banks. */
export interface ParametersPlan {
  readonly block: number;
  readonly banks: readonly [number, number];
  readonly bankBytes: number;
}

/** The location of an operator's table. */
export interface ConstantPlan {
  readonly address: number;
  readonly dtype: DType;
  readonly length: number;
}

export interface OperatorPlan extends Omit<PreparedOperator, 'constants'> {
  readonly constants: Readonly<Record<string, ConstantPlan>>;
  /** Two places for the tables of an operator that may be updated, and the bytes of one; else none. */
  readonly banks: readonly number[];
  readonly bankBytes: number;
  /**
   * Indices of the sources that each have their own operator in each worker; none: one operator takes the frames of
   * all.
   */
  readonly sources: readonly number[];
  /**
   * Scratch of each worker, and the distance of a second one: for an operator that runs beside the one that replaces
   * it, or for that of another source.
   */
  readonly scratch: readonly number[];
  readonly scratchStride: number;
  /** Scratch for the trial of new parameters; 0 where none are taken. */
  readonly trialScratch: number;
  /** Frames that this operator makes for the next one of the chain, by worker; none for the last operator. */
  readonly frames: readonly number[];
  readonly frameBytes: number;
}

/** Where the operators of a stage aggregate the frames of one source: equal regions, and a book of them for each worker (`plan/partial-books.ts`). */
export interface PartialPlan {
  /** Index of the source. */
  readonly source: number;
  /** Parts by ordinal, or by blocks of records; 0: one a worker. Part p belongs to worker p mod workers. */
  readonly shards: number;
  readonly byBlock: boolean;
  readonly bytes: number;
  readonly parts: readonly number[];
  readonly books: readonly number[];
  readonly bankBytes: number;
}

export interface StageNode {
  readonly name: string;
  readonly threads: readonly number[];
  /** By worker, where operators aggregate in their own state: the counts of what they hold (`plan/aggregate-counts.ts`). */
  readonly countBanks: readonly number[];
  /** Where an operator aggregates by partials: for each source whose frames come here. Then `countBanks` is empty. */
  readonly aggregates: readonly PartialPlan[];
  /** Longest time that a worker may take for one frame. */
  readonly stallMs: number;
  /** Longest time that a worker may take to set up its operators. */
  readonly setupMs: number;
  readonly operators: readonly OperatorPlan[];
  /** Hash of the parameters at the start; empty without operators. */
  readonly parameters: string;
  /** Where parameters change; undefined when no operator takes new ones. */
  readonly update: ParametersPlan | undefined;
  readonly maxOutputs: number;
  /** Slots into which the outputs of a parcel's records are packed, beside those in which they are made; 0: no parcel comes here. */
  readonly parcelSlots: number;
  /** Most records of a parcel that comes here. */
  readonly maxRecords: number;
  /** Of each worker: where it writes how the records of a parcel ended, a byte each. */
  readonly outcomes: readonly number[];
  /** Where a parcel comes here: what is made of a record goes the way of the others at every stage behind that has one of these keys. */
  readonly keys: readonly MetaKey[];
  readonly concurrency: number;
  readonly attempts: number;
  /** By source index and branch: where outputs go. */
  readonly routes: readonly (readonly (readonly Route[])[])[];
}

export interface SinkNode {
  readonly name: string;
  readonly modules: ConnectorCode;
  /** Goes on, in another thread, when its own died. */
  readonly restarts: boolean;
  /** What it means that it has delivered a frame. */
  readonly promise: DeliveryPromise;
  readonly thread: number;
  readonly batch: number;
  /** Most references that it still reads although their frames are settled. */
  readonly holds: number;
  /** Most records of a parcel that comes here, and where it is written how they ended, a byte each, for each of a batch. */
  readonly maxRecords: number;
  readonly outcomes: number;
  /** Histogram of latencies, and the words of SINK_STATS. */
  readonly histogram: number;
  readonly stats: number;
  /** Words of LATE for each source. */
  readonly late: number;
}

export interface Plan {
  readonly bytes: number;
  /** Distance of slot headers, their table, and how many there are. */
  readonly stride: number;
  readonly headers: number;
  readonly slots: number;
  readonly sourceBlocks: number;
  readonly threads: readonly ThreadPlan[];
  /** Number and line of the main thread, for the census. */
  readonly supervisor: { readonly thread: number; readonly line: number };
  readonly edges: readonly EdgePlan[];
  readonly pools: readonly PoolPlan[];
  readonly sources: readonly SourceNode[];
  readonly stages: readonly StageNode[];
  readonly sinks: readonly SinkNode[];
  readonly deadLetters: LetterPlan | undefined;
  /** Ordinal of the first frame of each source: 0, but for tests of the wrap. */
  readonly startOrdinal: number;
  readonly poison: boolean;
  /** Where the guards begin (`frame/guard-bytes.ts`) of all regions but headers and payloads, which have theirs too; undefined: there are none. */
  readonly guards: readonly number[] | undefined;
}
