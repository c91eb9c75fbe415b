import { asMillraceError, MillraceError, type Place } from '../errors/errors.js';
import type { DType, TypedArray } from '../frame/dtype.js';
import type { ModuleCode } from '../modules/module-code.js';
import { isStateful } from '../operators/is-stateful.js';
import { mayBeAsync, operatorLoader } from '../operators/load-operator.js';
import type { FoldedOperator, OperatorDefinition, PrepareContext, Prepared } from '../operators/operator.js';
import { RECORD_ITEMS } from '../ring/ring-layout.js';
import type { OperatorSpec, StageSpec } from '../spec/spec.js';
import { checkParameters } from './check-parameters.js';
import { checkState } from './check-state.js';
import { operatorHash } from './parameters-hash.js';
import type { PlanIssues } from './plan-issues.js';

/** What is known of the frames that enter or leave a stage. */
export interface FrameKind {
  readonly shape: readonly number[] | undefined;
  readonly dtype: DType | undefined;
  readonly maxBytes: number;
  /** Most frames that travel as one reference. */
  readonly chained: number;
}

/** One operator of a chain, ready to be made in a worker. Constants are placed by the plan. */
export interface PreparedOperator {
  readonly type: string;
  /** What the plan was made with; undefined for a built-in operator. Workers load it, however late they start. */
  readonly code: ModuleCode | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  readonly prepared: Prepared;
  readonly constants: Readonly<Record<string, TypedArray>>;
  readonly scratchBytes: number;
  /** 0: it does not aggregate by partials. */
  readonly partialBytes: number;
  readonly maxOutputs: number;
  readonly maxOutputBytes: number;
  readonly merges: boolean;
  /** Keeps aggregates in its own state: each source has its own operator. */
  readonly aggregates: boolean;
  /** Accepts new parameters during the run, with tables up to this many bytes; undefined: accepts none. */
  readonly maxConstantBytes: number | undefined;
}

/** What new parameters of an operator are checked and prepared with. Stays on the main thread. */
export interface PreparedWith {
  /** Its number in the file, and those of the operators that were folded into it. */
  readonly index: number;
  readonly foldedIndices: readonly number[];
  readonly definition: OperatorDefinition;
  readonly code: ModuleCode | undefined;
  readonly context: PrepareContext;
  readonly hash: Buffer;
}

export interface PreparedStage {
  readonly operators: readonly PreparedOperator[];
  /** By operator of the chain. */
  readonly preparedWith: readonly PreparedWith[];
  /** By operator of the file. */
  readonly definitions: readonly OperatorDefinition[];
  readonly output: FrameKind;
  /** Largest frame that the stage itself makes, in bytes: what its slots have room for. 0: it hands on nothing but its input. */
  readonly madeBytes: number;
  /** Frames that one input may become. */
  readonly maxOutputs: number;
  /** An input may leave the stage as it came. */
  readonly passes: boolean;
  /** An operator hands on at the end of a series what it held. */
  readonly flushes: boolean;
  /** The order of commits may differ from that of inputs even with one worker. */
  readonly mayBeAsync: boolean;
}

interface Link {
  readonly spec: OperatorSpec;
  readonly definition: OperatorDefinition;
  readonly code: ModuleCode | undefined;
  readonly folded: readonly FoldedOperator[];
  readonly index: number;
  readonly foldedIndices: readonly number[];
}

/** Bytes that the tables of an operator take, each from a cache line on. */
export function constantBytes(constants: Readonly<Record<string, TypedArray>>): number {
  return Object.values(constants).reduce((sum, { byteLength }) => sum + Math.ceil(byteLength / 64) * 64, 0);
}

/** A quarter more than the first tables: another geometry splits the pixels of a detector into other bins. */
const defaultConstantBytes = (constants: Readonly<Record<string, TypedArray>>): number => Math.ceil(constantBytes(constants) * 1.25);

/** Folds operators into the operator directly after them, if it supports that. */
function fold(links: readonly Link[]): Link[] {
  const chain: Link[] = [];
  for (const link of links) {
    const folded: FoldedOperator[] = [];
    const foldedIndices: number[] = [];
    while (chain.length && link.definition.folds?.includes((chain[chain.length - 1] as Link).spec.type)) {
      const { spec, index } = chain.pop() as Link;
      foldedIndices.unshift(index);
      folded.unshift({ type: spec.type, params: spec.params });
    }
    chain.push({ ...link, folded, foldedIndices });
  }
  return chain;
}

/** Why an operator cannot do in this stage what it promises. */
function refusalOf(
  name: string,
  stage: StageSpec,
  spec: OperatorSpec,
  definition: OperatorDefinition,
  { partialBytes = 0 }: Prepared,
): string | undefined {
  const keepsState = isStateful(definition, spec.params) || (definition.merges && partialBytes === 0);
  if (keepsState && stage.workers > 1 && !(definition.keyed && stage.key))
    return `operator ${spec.type} keeps state between frames: stage '${name}' needs workers: 1${definition.keyed ? ', or a key' : ''}`;
  if (definition.updates && (definition.merges || definition.flushes || partialBytes > 0))
    return `operator ${spec.type} aggregates frames, and with new parameters those that it holds would be lost: its definition cannot say updates`;
  if (partialBytes > 0) {
    if (!definition.flushes) return `operator ${spec.type} aggregates by partials, and its definition does not say flushes: true`;
    if (definition.async) return `operator ${spec.type} aggregates by partials, and so cannot say async: true`;
  } else if (definition.flushes && stage.workers > 1 && stage.key)
    return `operator ${spec.type} hands on at the end what it holds, and the end comes to one worker only: stage '${name}' needs workers: 1`;
}

/** What comes into a stage. */
export interface StageInput {
  readonly kind: FrameKind;
  /** By input. */
  readonly from: readonly FrameKind[];
}

/**
 * Loads the operators of a stage, checks their parameters, folds, and lets each prepare its tables. Mistakes go to `issues`;
 * the result is undefined where one keeps the stage from being prepared, or where `input` is undefined.
 */
export async function prepareStage(
  name: string,
  stage: StageSpec,
  input: StageInput | undefined,
  baseDir: string,
  issues: PlanIssues,
): Promise<PreparedStage | undefined> {
  const links = await loadLinks(name, stage, baseDir, issues);
  if (!links || !input) return undefined;
  const chain: PreparedLink[] = [];
  let kind = input.kind;
  for (const link of fold(links)) {
    const context = {
      baseDir,
      shape: kind.shape,
      dtype: kind.dtype,
      maxInputBytes: kind.maxBytes,
      folded: link.folded,
      ...(chain.length === 0 ? { from: input.from } : {}),
    };
    const prepared = await issues.attemptAsync(() => prepareLink(name, stage, link, context));
    if (!prepared) return undefined;
    chain.push(prepared);
    kind = outputOf(kind, prepared);
  }
  const refusal = refusalOfStage(name, stage, chain);
  if (refusal) {
    issues.add(new MillraceError('ERR_CONFIG_PROMISE', refusal, stage.place ? { place: stage.place } : {}));
    return undefined;
  }
  return assemble(links, chain, kind, input.kind.chained);
}

/** One operator of a chain, and whether it may emit its input unchanged. */
interface PreparedLink {
  readonly operator: PreparedOperator;
  readonly preparedWith: PreparedWith;
  readonly passes: boolean;
}

async function loadLinks(name: string, { operators }: StageSpec, baseDir: string, issues: PlanIssues): Promise<Link[] | undefined> {
  const links: Link[] = [];
  for (const [index, spec] of operators.entries()) {
    const link = await issues.attemptAsync(async () => {
      try {
        const { definition, code } = await operatorLoader.load(spec.type, baseDir);
        checkParameters(definition.parameters, spec.params, `stages.${name}.operators[${index}]`, spec.place);
        return { spec, definition, code, folded: [], index, foldedIndices: [] };
      } catch (thrown) {
        throw placedAt(spec.place, asMillraceError(thrown, 'ERR_CONFIG_INVALID'));
      }
    });
    if (link) links.push(link);
  }
  return links.length === operators.length ? links : undefined;
}

async function prepareLink(name: string, stage: StageSpec, link: Link, context: PrepareContext): Promise<PreparedLink> {
  const { spec, definition, code, folded, index, foldedIndices } = link;
  const operator = `operator ${spec.type} of stage '${name}'`;
  let prepared: Prepared;
  try {
    prepared = (await definition.prepare?.(spec.params, context)) ?? {};
    checkState(prepared, operator);
  } catch (thrown) {
    throw placedAt(spec.place, asMillraceError(thrown, 'ERR_CONFIG_INVALID', operator));
  }
  const refusal = refusalOf(name, stage, spec, definition, prepared);
  if (refusal) throw new MillraceError('ERR_CONFIG_PROMISE', refusal, spec.place ? { place: spec.place } : {});
  const { constants = {}, ...rest } = prepared;
  return {
    operator: {
      type: spec.type,
      code,
      params: spec.params,
      prepared: rest,
      constants,
      scratchBytes: prepared.scratchBytes ?? 0,
      partialBytes: prepared.partialBytes ?? 0,
      maxOutputs: definition.maxOutputs ?? 1,
      maxOutputBytes: prepared.maxOutputBytes ?? context.maxInputBytes,
      merges: definition.merges === true,
      aggregates: (definition.merges || definition.flushes) === true && !prepared.partialBytes,
      maxConstantBytes: definition.updates ? (prepared.maxConstantBytes ?? defaultConstantBytes(constants)) : undefined,
    },
    preparedWith: {
      index,
      foldedIndices,
      definition,
      code,
      context,
      hash: operatorHash({ type: spec.type, code: code?.hash, params: spec.params, folded, constants }),
    },
    passes: prepared.passes ?? definition.passes !== false,
  };
}

/** What leaves an operator. */
function outputOf(input: FrameKind, { operator: { prepared, maxOutputBytes }, passes }: PreparedLink): FrameKind {
  const maxBytes = passes ? Math.max(maxOutputBytes, input.maxBytes) : maxOutputBytes;
  return { shape: prepared.shape, dtype: prepared.dtype, maxBytes, chained: 1 };
}

/** Largest frame that leaves the chain and is not its input. */
function madeBytesOf(chain: readonly PreparedLink[]): number {
  return chain.reduce((made, { operator, passes }) => Math.max(passes ? made : 0, operator.maxOutputBytes), 0);
}

/** Why the operators cannot be in one stage. */
function refusalOfStage(name: string, stage: StageSpec, chain: readonly PreparedLink[]): string | undefined {
  const hasPartials = chain.some(({ operator }) => operator.partialBytes > 0);
  const aggregates = chain.filter(({ operator }) => operator.merges).length;
  if (hasPartials && aggregates > 1)
    return `stage '${name}' has ${aggregates} operators that aggregate, and one that does so by partials must be the only one: give the others stages of their own`;
  if (stage.deterministic && !hasPartials) return `stage '${name}' is deterministic, and none of its operators aggregates by partials`;
}

function assemble(links: readonly Link[], chain: readonly PreparedLink[], output: FrameKind, chainedInputs: number): PreparedStage {
  const operators = chain.map(({ operator }) => operator);
  const flushes = links.filter(({ definition }) => definition.flushes).length;
  const madeOfOne = operators.reduce((product, { maxOutputs }) => product * maxOutputs, chainedInputs);
  const maxOutputs = Math.min(madeOfOne + flushes, RECORD_ITEMS);
  return {
    operators,
    preparedWith: chain.map(({ preparedWith }) => preparedWith),
    definitions: links.map(({ definition }) => definition),
    output: { ...output, chained: maxOutputs },
    madeBytes: madeBytesOf(chain),
    maxOutputs,
    flushes: flushes > 0,
    passes: chain.every(({ passes }) => passes),
    // A worker that aggregates has one frame at a time.
    mayBeAsync:
      !operators.some(({ merges, partialBytes }) => merges || partialBytes > 0) &&
      links.some(({ definition, code }) => mayBeAsync(definition, code !== undefined)),
  };
}

/** An error that knows its place keeps it. */
function placedAt(place: Place | undefined, error: MillraceError): MillraceError {
  if (error.place || !place) return error;
  return new MillraceError(error.code, error.message, { cause: error, place });
}
