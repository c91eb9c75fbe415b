import type { Logger } from '../errors/logger.js';
import { typedView } from '../frame/dtype.js';
import { definitionOf, isAsyncOperator, madeOperator } from '../operators/load-operator.js';
import type { Operator, OperatorDefinition, PartialView, SharedTable } from '../operators/operator.js';
import { OPERATORS } from '../operators/registry.js';
import type { OperatorPlan } from '../pipeline/plan-types.js';
import type { OperatorParameters } from './stage-parameters.js';

/** By source, the series whose start the operators of a worker have heard. */
export type SeriesSeen = Map<number, number>;

const NO_PARTIAL: PartialView = { address: 0, bytes: 0, data: new Uint8Array(0) };

/** A chain link at work in this worker. */
export interface ChainLink {
  readonly plan: OperatorPlan;
  readonly definition: OperatorDefinition;
  readonly operator: Operator;
  readonly params: OperatorParameters['params'];
  /** By source, the series whose start it has heard. */
  readonly heard: SeriesSeen;
}

/** Makes an operator of a stage with the given parameters in this thread, and sets it up. */
export async function makeLink(
  { memory }: { readonly memory: WebAssembly.Memory },
  plan: OperatorPlan,
  parameters: OperatorParameters,
  scratchAddress: number,
  worker: number,
  log: Logger,
  partial: PartialView = NO_PARTIAL,
): Promise<ChainLink> {
  const definition =
    plan.url === undefined
      ? (OPERATORS.get(plan.type) as OperatorDefinition)
      : definitionOf(((await import(plan.url)) as { default?: unknown }).default, plan.type);
  const constants: Record<string, SharedTable> = {};
  for (const [name, { address, dtype, length }] of Object.entries(parameters.constants)) {
    constants[name] = { address, array: typedView(dtype, memory.buffer as unknown as SharedArrayBuffer, address, length) };
  }
  const scratch = { address: scratchAddress, bytes: plan.scratchBytes };
  const prepared = { ...plan.prepared, state: parameters.state };
  const context = { memory, constants, scratch, partial, worker, log };
  const operator = madeOperator(definition.create({ ...parameters.params }, context, prepared), plan.type);
  await operator.setup?.();
  return { plan, definition, operator, params: parameters.params, heard: new Map() };
}

/** An operator that does not close cleanly is told of, and stops nobody: its frames are settled. */
export function closeLink({ operator, plan }: ChainLink, log: Logger): void {
  try {
    operator.close?.();
  } catch (error) {
    log.warn({ operator: plan.type }, `operator '${plan.type}' did not close cleanly: ${error}`);
  }
}

export const isAsyncChain = (links: readonly ChainLink[]): boolean =>
  links.some(({ definition, operator }) => isAsyncOperator(definition, operator));
