import { deserialize, serialize } from 'node:v8';
import type { ConstantPlan, ParametersPlan } from './plan-types.js';

/**
 * The parameters of a running stage, in the arena. Epoch `e` is in bank `e & 1` of two; epoch 0 is in the plan only.
 *
 *   block:  0 epoch | 4 length of bank 0 | 8 length of bank 1 | ... | 64 epoch of worker 0 | 68 of worker 1 | ...
 *
 * `epoch` and the lengths are written by the main thread alone; the store of `epoch` publishes the bank, the tables that it
 * names, and its length. The word of a worker is written by that worker alone: it says that no frame is under way in it,
 * and none will be, with parameters of an older epoch. A bank is written only when no worker's word is behind `epoch`, and
 * so is never one that a worker reads: a successor reads the epoch after its predecessor wrote that word.
 */
export const STAGE_PARAMETERS = { epoch: 0, length: 4, worker: 64 } as const;

/** The epoch of a worker that takes no more frames. */
export const LEFT = -1;
/** Of one that takes the place of a worker that died after it had said so: behind every epoch, so that it is waited for. */
export const BACK = -2;

/** One operator as a bank describes it. */
export interface OperatorParameters {
  /** When it was changed last. */
  readonly epoch: number;
  /** Which of its two places for tables is in use. */
  readonly bank: number;
  readonly params: Readonly<Record<string, unknown>>;
  readonly state?: unknown;
  readonly constants: Readonly<Record<string, ConstantPlan>>;
}

/** What a bank holds, as structured clone: JSON has no infinite limits. */
export interface StageParameters {
  readonly hash: string;
  readonly operators: readonly OperatorParameters[];
}

export const epochAddress = (plan: ParametersPlan): number => (plan.block + STAGE_PARAMETERS.epoch) >>> 2;
export const workerAddress = (plan: ParametersPlan, worker: number): number => (plan.block + STAGE_PARAMETERS.worker + 4 * worker) >>> 2;

const lengthAddress = (plan: ParametersPlan, epoch: number): number => (plan.block + STAGE_PARAMETERS.length + 4 * (epoch & 1)) >>> 2;

export const encodeParameters = (parameters: StageParameters): Uint8Array => serialize(parameters);

/** Writes the bank of an epoch that is not yet published. */
export function writeParameters(buffer: ArrayBufferLike, plan: ParametersPlan, epoch: number, encoded: Uint8Array): void {
  new Uint8Array(buffer, plan.banks[epoch & 1], encoded.length).set(encoded);
  new Int32Array(buffer)[lengthAddress(plan, epoch)] = encoded.length;
}

/** Reads the bank of an epoch that was loaded before. */
export function readParameters(buffer: ArrayBufferLike, plan: ParametersPlan, epoch: number): StageParameters {
  const length = new Int32Array(buffer)[lengthAddress(plan, epoch)]!;
  return deserialize(new Uint8Array(buffer, plan.banks[epoch & 1], length).slice()) as StageParameters;
}
