import type { Logger } from '../../errors/logger.js';
import { typedView } from '../../frame/dtype.js';
import { isAsyncOperator, madeOperator, operatorLoader } from '../../operators/load-operator.js';
import type { Operator, OperatorDefinition, PartialView, SharedTable } from '../../operators/operator.js';
import type { OperatorPlan } from '../../plan/plan-types.js';
import type { OperatorParameters } from '../../plan/stage-parameters.js';

/** By source, the series whose start the operators of a worker have heard. */
export type SeriesSeen = Map<number, number>;

const NO_PARTIAL: PartialView = { address: 0, bytes: 0, data: new Uint8Array(0) };

/** A chain link in this worker. */
export interface ChainLink {
  readonly plan: OperatorPlan;
  readonly definition: OperatorDefinition;
  /** The operator; if each source has its own, that of the first. */
  readonly operator: Operator;
  /** By source index, of an operator that aggregates: the series and ends of one source concern no other. */
  readonly bySource: (Operator | undefined)[] | undefined;
  readonly params: OperatorParameters['params'];
  /** By source, the series whose start it has heard. */
  readonly heard: SeriesSeen;
  /** Makes the operator of a source anew: what the old one holds is void. */
  renew(source: number): Promise<void>;
  readonly log: Logger;
}

/** The operator that takes the frames of a source. */
export const operatorFor = ({ operator, bySource }: ChainLink, source: number): Operator =>
  bySource === undefined ? operator : (bySource[source] ?? operator);

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
  const definition = await operatorLoader.loadPlanned(plan.type, plan.code, log);
  const constants: Record<string, SharedTable> = {};
  for (const [name, { address, dtype, length }] of Object.entries(parameters.constants)) {
    constants[name] = { address, array: typedView(dtype, memory.buffer as unknown as SharedArrayBuffer, address, length) };
  }
  const prepared = { ...plan.prepared, state: parameters.state };
  const make = async (address: number): Promise<Operator> => {
    const context = { memory, constants, scratch: { address, bytes: plan.scratchBytes }, partial, worker, log };
    const operator = madeOperator(definition.create({ ...parameters.params }, context, prepared), plan.type);
    await operator.setup?.();
    return operator;
  };
  const heard: SeriesSeen = new Map();
  const { sources } = plan;
  if (sources.length === 0) {
    const operator = await make(scratchAddress);
    return { plan, definition, operator, bySource: undefined, params: parameters.params, heard, renew: async () => {}, log };
  }
  const scratchOf = (source: number): number => scratchAddress + sources.indexOf(source) * plan.scratchStride;
  const bySource: (Operator | undefined)[] = [];
  for (const source of sources) bySource[source] = await make(scratchOf(source));
  const renew = async (source: number): Promise<void> => {
    closeOperator(bySource[source], plan, log);
    bySource[source] = undefined;
    heard.delete(source);
    bySource[source] = await make(scratchOf(source));
  };
  return { plan, definition, operator: bySource[sources[0]!]!, bySource, params: parameters.params, heard, renew, log };
}

/** An operator that does not close cleanly is logged, and stops nothing: its frames are settled. */
export function closeLink({ operator, bySource, plan }: ChainLink, log: Logger): void {
  for (const one of bySource ?? [operator]) closeOperator(one, plan, log);
}

function closeOperator(operator: Operator | undefined, plan: OperatorPlan, log: Logger): void {
  const failed = (error: unknown): void => log.warn({ operator: plan.type }, `operator '${plan.type}' did not close cleanly: ${error}`);
  try {
    // Not awaited; still, an asynchronous one must not end the thread when it fails.
    const pending: unknown = operator?.close?.();
    if (pending instanceof Promise) pending.catch(failed);
  } catch (error) {
    failed(error);
  }
}

export const isAsyncChain = (links: readonly ChainLink[]): boolean =>
  links.some(({ definition, operator }) => isAsyncOperator(definition, operator));
