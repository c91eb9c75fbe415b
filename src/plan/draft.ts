import type { TypedArray } from '../frame/dtype.js';
import type { EdgeSpec, PipelineSpec } from '../spec/spec.js';
import type { FaultInjection } from './fault-injection.js';
import type { LoadedSink, LoadedSource } from './load-connectors.js';
import type { MemoryBudget } from './memory-budget.js';
import type { Plan } from './plan-types.js';
import type { FrameKind, PreparedStage } from './prepare-stage.js';
import type { SourceRoutes } from './routes.js';

/** What is known of a pipeline before its sizes are decided. */
export interface KnownDraft {
  readonly spec: PipelineSpec;
  readonly routes: readonly SourceRoutes[];
  readonly stages: ReadonlyMap<string, PreparedStage>;
  readonly input: ReadonlyMap<string, FrameKind>;
  readonly batches: ReadonlyMap<string, number>;
  readonly sources: ReadonlyMap<string, LoadedSource>;
  readonly sinks: ReadonlyMap<string, LoadedSink>;
  /** By sink, the most references that it still reads although their frames are settled. */
  readonly holds: ReadonlyMap<string, number>;
  /** By source, the most slots that it borrows for data that is still to arrive. */
  readonly lends: ReadonlyMap<string, number>;
  /** The nodes that parcels reach. */
  readonly parcels: ReadonlyMap<string, ParcelsHere>;
  readonly options: PlanOptions;
}

/** How far the sizes that the pipeline does not give are reduced. */
export interface Tightness {
  /** Default capacities and windows are divided by this. */
  readonly divisor: number;
  /** Pools have few slots: their producers wait for one more often. */
  readonly fewSlots: boolean;
}

/** Sizes decided before anything has an address. */
export interface Draft extends KnownDraft {
  readonly edges: readonly DraftEdge[];
  readonly pools: ReadonlyMap<string, DraftPool>;
}

export interface DraftPool {
  readonly slots: number;
  readonly maxDataBytes: number;
}

export interface DraftEdge {
  readonly node: string;
  /** Number among the edges into the node. */
  readonly input: number;
  readonly producers: readonly string[];
  readonly spec: EdgeSpec;
  readonly kind: 'fifo' | 'ordered';
  readonly limit: number;
  /** References that its consumers hold at most. */
  readonly held: number;
  /** The only worker of its stage that takes from it; absent: all do. */
  readonly worker?: number;
  /** Pools whose slots can reach this edge. */
  readonly reach: readonly string[];
}

export interface PlanOptions {
  /** Fill freed slots with 0xDE: what still reads one shows. */
  readonly poison?: boolean;
  /** Leave known bytes behind each region of the arena, and check them: what writes beyond its region shows. */
  readonly guards?: boolean;
  /** Ordinal of the first frame, for tests of the wrap. */
  readonly startOrdinal?: number;
  readonly fault?: FaultInjection;
  /** Memory that the plan may use; default: `memory` of the pipeline, else a quarter of what the machine or container has. */
  readonly budget?: MemoryBudget;
  /** Plans with these sizes in place of those that fit the budget best: for tests of the smallest ones. */
  readonly tightness?: Tightness;
  /** Plans what the checks refuse: for the tests that show what would become of it. */
  readonly unchecked?: boolean;
}

/** A plan with the tables that are still to be copied into the arena. */
export interface PlanWithTables {
  readonly plan: Plan;
  readonly tables: readonly { readonly address: number; readonly array: TypedArray }[];
  /** What the operators were prepared with, by stage. */
  readonly stages: ReadonlyMap<string, PreparedStage>;
  /** How far sizes that the pipeline does not give were reduced. */
  readonly tightness: Tightness;
  readonly budget: MemoryBudget;
}

/** For the parcels that reach a node: the maximum records and bytes of one parcel. */
export interface ParcelsHere {
  readonly maxRecords: number;
  readonly bytes: number;
}

/**
 * Slots into which a stage packs what becomes of the records of a parcel: as many as may have come, since those that pass
 * are copied, and one more, because records are put together in other groups then.
 */
export const parcelSlots = (maxOutputs: number): number => maxOutputs + 1;
