import type { AddressSpace } from '../memory/arena.js';
import type { Draft } from './draft.js';
import type { PlanIssues } from './plan-issues.js';
import type { ThreadPlan } from './plan-types.js';

/** What every part of the layout is placed with. */
export interface Ground {
  readonly draft: Draft;
  /** Receives what cannot be placed. */
  readonly issues: PlanIssues;
  readonly space: AddressSpace;
  /** Bytes left free behind each slot for guards. */
  readonly gapBytes: number;
  readonly threads: readonly ThreadPlan[];
  /** Numbers of the threads of a node. */
  readonly threadsOf: ReadonlyMap<string, readonly number[]>;
}

export const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;
