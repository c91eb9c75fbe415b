import { serialize } from 'node:v8';
import { MillraceError } from '../errors/errors.js';
import { dtypeOf, type TypedArray } from '../frame/dtype.js';
import type { AddressSpace } from '../memory/arena.js';
import { MAX_LEAVES } from '../ring/ring-layout.js';
import { countBankBytes } from './aggregate-counts.js';
import { type Draft, parcelSlots } from './draft.js';
import { type Ground, roundUp } from './ground.js';
import { stageHash } from './parameters-hash.js';
import { bankBytesOf, bookBytesOf } from './partial-books.js';
import type { ConstantPlan, OperatorPlan, ParametersPlan, PartialPlan, StageNode } from './plan-types.js';
import { constantBytes, type PreparedOperator } from './prepare-stage.js';
import type { Route } from './routes.js';
import { keysBehind, routesFrom } from './routes-from.js';
import { STAGE_PARAMETERS } from './stage-parameters.js';

const MIN_PARAMETER_BYTES = 16384;

/** A table of an operator, with the address that it is copied to. */
export interface PlacedTable {
  readonly address: number;
  readonly array: TypedArray;
}

/** Each stage with the tables, scratch memory and partials of its operators. `tables` receives the tables to copy. */
export function placeStages(ground: Ground, tables: PlacedTable[]): StageNode[] {
  return Object.keys(ground.draft.spec.stages).map((name) => placeStage(ground, name, tables));
}

function placeStage(ground: Ground, name: string, tables: PlacedTable[]): StageNode {
  const { draft, space, threadsOf } = ground;
  const stage = draft.spec.stages[name]!;
  const prepared = draft.stages.get(name)!;
  const threads = threadsOf.get(name)!;
  const concurrency = prepared.mayBeAsync ? stage.concurrency : 1;
  const operators = prepared.operators.map((operator, index) =>
    placeOperator(ground, name, operator, concurrency, index === prepared.operators.length - 1, tables),
  );
  const routes = draft.routes.map((_, source) =>
    Array.from({ length: MAX_LEAVES }, (_, branch): readonly Route[] => routesFrom(draft, source, name, branch)),
  );
  const update = prepared.operators.some(({ maxConstantBytes }) => maxConstantBytes !== undefined)
    ? placeParameters(space, threads.length, prepared.operators)
    : undefined;
  const aggregates = placePartials(ground, name);
  const merges = prepared.operators.some((operator) => operator.merges);
  const holds = merges && aggregates.length === 0;
  const parcels = draft.parcels.get(name);
  const maxRecords = parcels?.maxRecords ?? 0;
  return {
    name,
    threads,
    countBanks: holds ? threads.map(() => space.take(2 * countBankBytes(draft.routes.length))) : [],
    aggregates,
    stallMs: stage.stallMs,
    setupMs: stage.setupMs,
    operators,
    parameters: stageHash(prepared.preparedWith.map(({ hash }) => hash)),
    update,
    maxOutputs: prepared.maxOutputs,
    parcelSlots: parcels ? parcelSlots(prepared.maxOutputs) : 0,
    maxRecords,
    outcomes: threads.map(() => space.take(maxRecords)),
    keys: parcels ? keysBehind(draft, name) : [],
    concurrency,
    attempts: stage.attempts,
    routes,
  };
}

function placeOperator(
  { draft, space, threadsOf }: Ground,
  stage: string,
  operator: PreparedOperator,
  lanes: number,
  isLast: boolean,
  tables: PlacedTable[],
): OperatorPlan {
  const threads = threadsOf.get(stage)!;
  const updates = operator.maxConstantBytes !== undefined;
  const bankBytes = updates ? Math.max(operator.maxConstantBytes, constantBytes(operator.constants)) : 0;
  const banks = bankBytes > 0 ? [space.take(bankBytes, 64), space.take(bankBytes, 64)] : [];
  const constants = placeConstants(space, operator.constants, banks[0], tables);
  // While parameters change, one lane may still use the old operator when another begins with the new one. An operator
  // that aggregates takes no new parameters, so the two reasons for more than one scratch never meet.
  const sources = operator.aggregates ? sourcesOf(draft, stage) : [];
  const scratches = Math.max(1, sources.length, updates && lanes > 1 ? 2 : 1);
  const scratchStride = scratches > 1 ? roundUp(operator.scratchBytes, 64) : 0;
  const scratchBytes = operator.scratchBytes && operator.scratchBytes + (scratches - 1) * scratchStride;
  const frameBytes = roundUp(operator.maxOutputBytes, 64);
  const takeOrNone = (bytes: number): number => (bytes > 0 ? space.take(bytes, 64) : 0);
  return {
    ...operator,
    constants,
    banks,
    bankBytes,
    sources,
    scratch: threads.map(() => takeOrNone(scratchBytes)),
    scratchStride,
    trialScratch: updates ? takeOrNone(operator.scratchBytes) : 0,
    frames: threads.map(() => (isLast ? 0 : space.take(frameBytes * operator.maxOutputs * lanes, 64))),
    frameBytes,
  };
}

/** Tables of an operator that takes new parameters are placed in its first bank, others where there is room. */
function placeConstants(
  space: AddressSpace,
  arrays: Readonly<Record<string, TypedArray>>,
  bank: number | undefined,
  tables: PlacedTable[],
): Record<string, ConstantPlan> {
  const constants: Record<string, ConstantPlan> = {};
  let inBank = bank;
  for (const [key, array] of Object.entries(arrays)) {
    const address = inBank ?? space.take(array.byteLength, 64);
    if (inBank !== undefined) inBank += roundUp(array.byteLength, 64);
    tables.push({ address, array });
    constants[key] = { address, dtype: dtypeOf(array), length: array.length };
  }
  return constants;
}

/** Room for parameters four times as long as the first, and in any case for a list of some length. */
function placeParameters(space: AddressSpace, workers: number, operators: readonly PreparedOperator[]): ParametersPlan {
  const firstBytes = serialize(operators.map(({ params, prepared }) => ({ params, prepared }))).length;
  const bankBytes = roundUp(MIN_PARAMETER_BYTES + 4 * firstBytes, 64);
  return {
    block: space.take(roundUp(STAGE_PARAMETERS.worker + 4 * workers, 128)),
    banks: [space.take(bankBytes, 64), space.take(bankBytes, 64)],
    bankBytes,
  };
}

/** The sources whose frames a stage passes on or keeps. Frames of inputs of a join other than the first end there. */
function sourcesOf({ routes }: Draft, name: string): number[] {
  return routes.flatMap(({ paths }, source) => (paths.some((path) => path.slice(0, -1).includes(name)) ? [source] : []));
}

/** The partials of a stage: one set for each source whose frames arrive, since each has its own ends. */
function placePartials({ draft, space, issues }: Ground, name: string): PartialPlan[] {
  const bytes = Math.max(0, ...draft.stages.get(name)!.operators.map(({ partialBytes }) => partialBytes));
  if (bytes === 0) return [];
  const stage = draft.spec.stages[name]!;
  const shards = stage.deterministic ? stage.shards : 0;
  const count = shards || stage.workers;
  const own = Math.ceil(count / stage.workers);
  return draft.routes.flatMap(({ paths }, source): PartialPlan[] => {
    // Frames of inputs of a join other than the first end there.
    const coming = paths.filter((path) => path.slice(0, -1).includes(name));
    if (coming.length === 0) return [];
    const ways = new Set(coming.map((path) => path.slice(0, path.indexOf(name)).join('\n')));
    if (ways.size > 1) {
      // The end of a series would come as often, and each time what is held be merged.
      const message = `stage '${name}' aggregates by partials, and so can take the frames of a source by one way only, not by ${ways.size}: take from one, or join them`;
      issues.add(new MillraceError('ERR_CONFIG_PROMISE', message, stage.place ? { place: stage.place } : {}));
      return [];
    }
    const parts = Array.from({ length: count }, () => space.take(bytes, 64));
    const books = Array.from({ length: stage.workers }, () => space.take(bookBytesOf(own), 64));
    const byBlock = Object.values(draft.spec.sources)[source]!.parcel !== undefined;
    return [{ source, shards, byBlock, bytes, parts, books, bankBytes: bankBytesOf(own) }];
  });
}
