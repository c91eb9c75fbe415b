import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { makeLink } from '../agents/stage/chain-link.js';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { Logger } from '../errors/logger.js';
import { dtypeOf, type TypedArray } from '../frame/dtype.js';
import type { WasmMemory } from '../frame/wasm-memory.js';
import type { ParametersReport } from '../observe/parameters-report.js';
import type { FoldedOperator, Prepared } from '../operators/operator.js';
import { checkParameters } from '../plan/check-parameters.js';
import { checkState } from '../plan/check-state.js';
import { operatorHash, stageHash } from '../plan/parameters-hash.js';
import type { ConstantPlan, OperatorPlan, ParametersPlan, Plan, StageNode } from '../plan/plan-types.js';
import { constantBytes, type PreparedStage, type PreparedWith } from '../plan/prepare-stage.js';
import { encodeParameters, epochAddress, LEFT, type OperatorParameters, workerAddress, writeParameters } from '../plan/stage-parameters.js';
import { wakeThreads } from '../ring/park.js';
import { LINE } from '../ring/ring-layout.js';
import type { OperatorSpec, PipelineSpec } from '../spec/spec.js';

/** The result of an update. */
export interface UpdateResult {
  /** Hash of the stage's parameters: 16 hexadecimal digits. */
  readonly hash: string;
  readonly epoch: number;
}

export interface UpdaterOptions {
  readonly memory: WasmMemory;
  readonly plan: Plan;
  readonly spec: PipelineSpec;
  readonly stages: ReadonlyMap<string, PreparedStage>;
  readonly log: Logger;
  readonly isRunning: () => boolean;
}

/** How often to check the words of the workers. */
const LOOK_MS = 1;
/** Maximum sets of parameters of a stage in the report. */
const MAX_HISTORY = 1000;

/** The current parameters of a stage. */
interface StageState {
  readonly node: StageNode;
  readonly prepared: PreparedStage;
  /** As in the file. */
  specs: readonly OperatorSpec[];
  operators: readonly OperatorParameters[];
  hashes: readonly Buffer[];
  readonly history: ParametersReport[];
}

/**
 * Changes the parameters of running operators: the main thread's side of src/plan/stage-parameters.ts. One update at a
 * time.
 */
export class Updater {
  readonly #options: UpdaterOptions;
  readonly #words: Int32Array;
  readonly #stages = new Map<string, StageState>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: UpdaterOptions) {
    const { memory, plan, spec, stages } = options;
    this.#options = options;
    this.#words = new Int32Array(memory.buffer);
    for (const node of plan.stages) {
      const prepared = stages.get(node.name)!;
      const specs = spec.stages[node.name]!.operators;
      this.#stages.set(node.name, {
        node,
        prepared,
        specs,
        operators: node.operators.map(({ params, prepared: { state }, constants }) => ({ epoch: 0, bank: 0, params, state, constants })),
        hashes: prepared.preparedWith.map(({ hash }) => hash),
        history: node.parameters ? [entry(node.parameters, 0, specs)] : [],
      });
    }
  }

  /** The sets that the stage used from the start on, in order. */
  history(stage: string): readonly ParametersReport[] {
    return this.#stages.get(stage)?.history ?? [];
  }

  update(stage: string, operator: string | number, params: Record<string, unknown>, signal?: AbortSignal): Promise<UpdateResult> {
    const result = this.#last.then(() => this.#update(stage, operator, params, signal));
    this.#last = result.catch(() => {});
    return result;
  }

  async #update(stage: string, operator: string | number, given: Record<string, unknown>, signal?: AbortSignal): Promise<UpdateResult> {
    this.#mustRun();
    signal?.throwIfAborted();
    const state = this.#stages.get(stage);
    if (!state) throw new MillraceError('ERR_USAGE', `there is no stage '${stage}'`);
    const index = indexOf(stage, state.specs, operator);
    const at = state.prepared.preparedWith.findIndex((one) => one.index === index || one.foldedIndices.includes(index));
    const known = state.prepared.preparedWith[at]!;
    const plan = state.node.operators[at]!;
    const path = `stages.${stage}.operators[${index}]`;
    const { update } = state.node;
    const { updates } = state.prepared.definitions[index]!;
    if (!update || plan.maxConstantBytes === undefined || !updates)
      throw new MillraceError('ERR_CONFIG_PROMISE', `${path}: the parameters of ${state.specs[index]!.type} cannot change while it runs`);
    const params = cloned(given, path);
    checkParameters(state.prepared.definitions[index]!.parameters, params, path);
    if (updates !== true) mustKeepOthers(path, updates, state.specs[index]!.params, params);
    const specs = state.specs.map((one, i) => (i === index ? { ...one, params } : one));

    await this.#adopted(state, signal); // Until then another thread may still read the other bank.
    const own = specs[known.index]!;
    const folded: FoldedOperator[] = known.foldedIndices.map((i) => ({ type: specs[i]!.type, params: specs[i]!.params }));
    const { constants = {}, ...prepared } = await prepare(known, own, folded, path);
    signal?.throwIfAborted();
    this.#mustRun();
    mustKeep(path, plan, prepared);

    const epoch = this.#words[epochAddress(update)]! + 1;
    const before = state.operators[at]!;
    const bank = 1 - before.bank;
    const made: OperatorParameters = {
      epoch,
      bank,
      params: own.params,
      state: prepared.state,
      constants: this.#place(path, plan, bank, constants),
    };
    const hashes = state.hashes.map((hash, i) =>
      i === at ? operatorHash({ type: own.type, code: known.code?.hash, params: own.params, folded, constants }) : hash,
    );
    const hash = stageHash(hashes);
    const operators = state.operators.map((one, i) => (i === at ? made : one));
    const encoded = encodeParameters({ hash, operators });
    if (encoded.length > update.bankBytes)
      throw new MillraceError(
        'ERR_CONFIG_MEMORY',
        `${path}: the parameters have ${encoded.length} bytes, but the limit is ${update.bankBytes}`,
      );
    await this.#tryOut(path, plan, made);
    signal?.throwIfAborted();
    this.#mustRun();

    writeParameters(this.#options.memory.buffer, update, epoch, encoded);
    Atomics.store(this.#words, epochAddress(update), epoch); // publishes: the bank and its tables
    state.specs = specs;
    state.operators = operators;
    state.hashes = hashes;
    state.history.push(entry(hash, epoch, specs));
    if (state.history.length > MAX_HISTORY) state.history.shift();
    wakeThreads(
      this.#words,
      state.node.threads.map((thread) => this.#options.plan.threads[thread]!.line + LINE.park),
    );
    this.#options.log.info({ stage, operator: index, epoch, hash }, `${path} has new parameters`);
    await this.#adopted(state, signal);
    return { hash, epoch };
  }

  #mustRun(): void {
    if (!this.#options.isRunning()) throw new MillraceError('ERR_STATE', 'parameters can change only while the pipeline runs');
  }

  /** Copies the tables to the bank that is not being read. */
  #place(path: string, plan: OperatorPlan, bank: number, constants: Readonly<Record<string, TypedArray>>): Record<string, ConstantPlan> {
    const bytes = constantBytes(constants);
    if (bytes > plan.bankBytes)
      throw new MillraceError('ERR_CONFIG_MEMORY', `${path}: the tables need ${bytes} bytes, but there is room for ${plan.bankBytes}`);
    const placed: Record<string, ConstantPlan> = {};
    let address = plan.banks[bank]!;
    for (const [name, array] of Object.entries(constants)) {
      new Uint8Array(this.#options.memory.buffer, address, array.byteLength).set(
        new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
      );
      placed[name] = { address, dtype: dtypeOf(array), length: array.length };
      address += Math.ceil(array.byteLength / 64) * 64;
    }
    return placed;
  }

  /** Creates the operator here first, so that invalid parameters are refused before any worker receives them. */
  async #tryOut(path: string, plan: OperatorPlan, parameters: OperatorParameters): Promise<void> {
    try {
      const { operator } = await makeLink(this.#options, plan, parameters, plan.trialScratch, 0, this.#options.log);
      operator.close?.();
    } catch (error) {
      throw asMillraceError(error, 'ERR_CONFIG_INVALID', path);
    }
  }

  /** Waits until every worker of the stage is at its epoch. */
  async #adopted({ node }: StageState, signal?: AbortSignal): Promise<void> {
    const update = node.update as ParametersPlan;
    const epoch = this.#words[epochAddress(update)]!;
    const isBehind = (_: number, worker: number): boolean => {
      const word = Atomics.load(this.#words, workerAddress(update, worker)); // acquires: that older banks are free
      return word !== epoch && word !== LEFT;
    };
    while (node.threads.some(isBehind)) {
      await sleep(LOOK_MS, undefined, signal ? { signal } : {});
      this.#mustRun();
    }
  }
}

function entry(hash: string, epoch: number, specs: readonly OperatorSpec[]): ParametersReport {
  return { hash, epoch, since: new Date().toISOString(), operators: specs.map(({ type, params }) => ({ type, ...params })) };
}

function indexOf(stage: string, specs: readonly OperatorSpec[], operator: string | number): number {
  if (typeof operator === 'number') {
    if (specs[operator]) return operator;
    throw new MillraceError('ERR_USAGE', `stage '${stage}' has ${specs.length} operators, and no operator ${operator}`);
  }
  const found = specs.flatMap(({ type }, index) => (type === operator ? [index] : []));
  if (found.length === 1) return found[0]!;
  const why = found.length === 0 ? 'has no' : `has ${found.length} times the`;
  throw new MillraceError('ERR_USAGE', `stage '${stage}' ${why} operator '${operator}'${found.length ? ': give its number' : ''}`);
}

/** A private copy: the caller may change its object later, and the checks fill in defaults. */
function cloned(params: Record<string, unknown>, path: string): Record<string, unknown> {
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw new MillraceError('ERR_CONFIG_INVALID', `${path}: the parameters must be a map`);
  try {
    return structuredClone(params);
  } catch (cause) {
    throw new MillraceError('ERR_CONFIG_INVALID', `${path}: the parameters must be plain data`, { cause });
  }
}

async function prepare(known: PreparedWith, own: OperatorSpec, folded: readonly FoldedOperator[], path: string): Promise<Prepared> {
  try {
    const prepared = (await known.definition.prepare?.(own.params, { ...known.context, folded })) ?? {};
    checkState(prepared, path);
    return prepared;
  } catch (error) {
    throw asMillraceError(error, 'ERR_CONFIG_INVALID', path);
  }
}

/** Refuses a change of a parameter that is not declared as changeable. */
function mustKeepOthers(
  path: string,
  updates: readonly string[],
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)]))
    if (!updates.includes(name) && !isDeepStrictEqual(before[name], now[name]))
      throw new MillraceError('ERR_CONFIG_PROMISE', `${path}: ${name} cannot change while it runs, only ${updates.join(' and ')} can`);
}

/** Checks that the values on which other stages, slots and scratch were planned stay unchanged. */
function mustKeep(path: string, plan: OperatorPlan, prepared: Prepared): void {
  const { shape, dtype } = plan.prepared;
  const refuse = (what: string, before: unknown, now: unknown): never => {
    throw new MillraceError(
      'ERR_CONFIG_PROMISE',
      `${path}: ${what} would change from ${before} to ${now}, but the plan of the pipeline depends on it`,
    );
  };
  if (shape && JSON.stringify(shape) !== JSON.stringify(prepared.shape))
    refuse('the shape of its results', `[${shape}]`, `[${prepared.shape}]`);
  if (dtype && dtype !== prepared.dtype) refuse('the dtype of its results', dtype, prepared.dtype);
  if ((prepared.maxOutputBytes ?? 0) > plan.maxOutputBytes)
    refuse('its largest result', `${plan.maxOutputBytes} bytes`, prepared.maxOutputBytes);
  if ((prepared.scratchBytes ?? 0) > plan.scratchBytes) refuse('its scratch', `${plan.scratchBytes} bytes`, prepared.scratchBytes);
}
