import type { ConfigIssue } from './config-error.js';
import type { KeyPath } from './key-path.js';

/** One thing that is wrong with the links or promises of a pipeline. */
export interface LinkIssue {
  readonly code: ConfigIssue['code'];
  readonly message: string;
  readonly path: KeyPath;
  readonly at: 'key' | 'value';
}

export interface GraphNode {
  readonly name: string;
  readonly path: KeyPath;
  readonly kind: 'source' | 'stage' | 'sink';
  readonly from: readonly { readonly name: string; readonly path: KeyPath }[];
  readonly workers: number;
  readonly ordered: boolean;
  readonly statefulType: string | undefined;
  /** Types and parameters of a stage's operators. */
  readonly operators: readonly Readonly<Record<string, unknown>>[];
  /** Joins its inputs: the frames of the first input continue. */
  readonly joins: boolean;
  /** Each worker has its own FIFO. */
  readonly keyed: boolean;
  readonly deterministic: boolean;
}
