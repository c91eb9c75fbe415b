import { asMillraceError, MillraceError } from './errors/errors.js';
import type { Logger } from './errors/logger.js';
import { SILENT } from './errors/logger.js';
import type { DType, TypedArray } from './frame/dtype.js';
import { byteLength, dtypeOf, itemCount, MAX_DIMENSIONS, typedView } from './frame/dtype.js';
import type { Frame, Meta, MutableFrame } from './frame/frame.js';
import { madeOperator } from './operators/load-operator.js';
import type {
  CreateSpec,
  Emitter,
  FoldedOperator,
  Operator,
  OperatorContext,
  OperatorDefinition,
  Prepared,
  SharedTable,
} from './operators/operator.js';
import { looksLikeResult, returnedValueText } from './operators/returned-value.js';

/** A frame to be given to an operator. */
export interface TestFrame {
  readonly data: TypedArray;
  /** Default: `[data.length]`. */
  readonly shape?: readonly number[];
  /** Default: that of `data`. */
  readonly dtype?: DType;
  /** Default: its place among the frames. */
  readonly ordinal?: number;
  /** Default: the ordinal. */
  readonly sequence?: number;
  /** Default: NaN. */
  readonly timestamp?: number;
  readonly source?: string;
  readonly meta?: Meta;
}

/** A copy of an emitted frame, in memory of its own. */
export interface EmittedFrame {
  readonly source: string;
  readonly sequence: number;
  readonly ordinal: number;
  readonly timestamp: number;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly data: TypedArray;
  readonly meta: Meta;
}

/** The default export of an operator module in its short form. */
// biome-ignore lint/suspicious/noExplicitAny: a module's parameters have the type that its author gives them
export type OperatorModule = (params: any) => Operator;

export interface RunOptions {
  /** Folder against which relative paths are resolved. Default: the working directory. */
  readonly baseDir?: string;
  /** What is known of the input at plan time. Default: shape and dtype of the first frame. */
  readonly shape?: readonly number[] | undefined;
  readonly dtype?: DType | undefined;
  /** Operators folded into this one. */
  readonly folded?: readonly FoldedOperator[];
  /** Largest output for operators that do not declare it. Default: the largest input, at least 1 MiB for modules. */
  readonly maxOutputBytes?: number;
  readonly log?: Logger;
}

const PAGE_BYTES = 65536;
const LINE_BYTES = 64;
/** What fresh memory holds, so that an operator which leaves bytes unwritten is found out. */
const POISON = 0xa5;

const align = (bytes: number): number => Math.ceil(bytes / LINE_BYTES) * LINE_BYTES;

/**
 * Runs an operator on frames, one after the other, in this thread, in a shared memory of its own, and returns copies of
 * all that it emitted. Takes a definition (`defineOperator`) or the default export of a short module. Paths, limits and
 * refusals are those of a pipeline; the parameters are not checked against the schema. To an operator that aggregates by
 * partials the frames are one series: what it makes of them comes last.
 * @throws MillraceError: what `prepare` and `process` throw (ERR_OPERATOR around other errors), ERR_OPERATOR_OUTPUT
 */
export async function runOperator<P>(
  operator: OperatorDefinition<P> | OperatorModule,
  params: P,
  frames: readonly TestFrame[],
  options: RunOptions = {},
): Promise<EmittedFrame[]> {
  const short = typeof operator === 'function';
  const definition: OperatorDefinition<P> = short
    ? { type: 'module', description: '', parameters: {}, create: (values) => operator(values) }
    : operator;
  const first = frames[0];
  const maxInputBytes = Math.max(0, ...frames.map((frame) => frame.data.byteLength));
  const prepared: Prepared =
    (await definition.prepare?.(params, {
      baseDir: options.baseDir ?? process.cwd(),
      shape: 'shape' in options ? options.shape : (first?.shape ?? (first && [first.data.length])),
      dtype: 'dtype' in options ? options.dtype : (first?.dtype ?? (first && dtypeOf(first.data))),
      maxInputBytes,
      folded: options.folded ?? [],
    })) ?? {};
  const maxOutputs = definition.maxOutputs ?? 1;
  const maxOutputBytes = prepared.maxOutputBytes ?? options.maxOutputBytes ?? Math.max(maxInputBytes, short ? 1 << 20 : 0);

  // [unused line | constants | scratch | partial | input | outputs]: no table is at address 0, which kernels take for "none".
  const tables = Object.entries(prepared.constants ?? {});
  const constantBytes = tables.reduce((sum, [, table]) => sum + align(table.byteLength), 0);
  const scratchBytes = prepared.scratchBytes ?? 0;
  const scratchAddress = LINE_BYTES + constantBytes;
  const partialBytes = prepared.partialBytes ?? 0;
  const partialAddress = scratchAddress + align(scratchBytes);
  const inputAddress = partialAddress + align(partialBytes);
  const outputAddress = inputAddress + align(maxInputBytes);
  const pages = Math.ceil((outputAddress + maxOutputs * align(maxOutputBytes)) / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const { buffer } = memory;
  const all = new Uint8Array(buffer).fill(POISON);

  const part = new Uint8Array(buffer, partialAddress, partialBytes).fill(0);
  const constants: Record<string, SharedTable> = {};
  let address = LINE_BYTES;
  for (const [name, table] of tables) {
    const array = typedView(dtypeOf(table), buffer, address, table.length);
    all.set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), address);
    constants[name] = { address, array };
    address += align(table.byteLength);
  }
  const context: OperatorContext = {
    memory,
    constants,
    scratch: { address: scratchAddress, bytes: scratchBytes },
    partial: { address: partialAddress, bytes: partialBytes, data: part },
    worker: 0,
    log: options.log ?? SILENT,
  };
  const running = madeOperator(definition.create(params, context, prepared), definition.type);
  await running.setup?.();
  const emitted: EmittedFrame[] = [];
  let isHinted = false;
  try {
    for (const [index, given] of frames.entries()) {
      const input = placeInput(given, index, buffer, inputAddress);
      const outputs = new Outputs(definition.type, input, buffer, outputAddress, maxOutputs, maxOutputBytes);
      try {
        const returned: unknown = await running.process(input, outputs);
        if (!isHinted && outputs.isEmpty && looksLikeResult(returned)) {
          isHinted = true;
          context.log.warn({ operator: definition.type }, returnedValueText(`operator ${definition.type}`, returned));
        }
      } catch (error) {
        throw asMillraceError(error, 'ERR_OPERATOR', definition.type);
      }
      emitted.push(...outputs.settle());
    }
    if (partialBytes > 0 && frames.length > 0) {
      const last = placeInput(frames[frames.length - 1]!, frames.length - 1, buffer, inputAddress);
      const outputs = new Outputs(definition.type, last, buffer, outputAddress, maxOutputs, maxOutputBytes);
      running.merge?.([part]);
      await running.flush?.(outputs);
      emitted.push(...outputs.settle());
    }
  } finally {
    running.close?.();
  }
  return emitted;
}

function placeInput(given: TestFrame, index: number, buffer: ArrayBufferLike, address: number): Frame {
  const dtype = given.dtype ?? dtypeOf(given.data);
  const shape = given.shape ?? [given.data.length];
  if (byteLength(dtype, shape) !== given.data.byteLength) {
    throw new MillraceError('ERR_USAGE', `frame ${index}: ${shape.join('×')} ${dtype} does not fit its ${given.data.byteLength} bytes`);
  }
  const bytes = new Uint8Array(buffer, address, given.data.byteLength);
  bytes.set(new Uint8Array(given.data.buffer, given.data.byteOffset, given.data.byteLength));
  const ordinal = given.ordinal ?? index;
  return {
    source: given.source ?? 'test',
    ordinal,
    sequence: given.sequence ?? ordinal,
    timestamp: given.timestamp ?? Number.NaN,
    shape,
    dtype,
    data: typedView(dtype, buffer, address, itemCount(shape)),
    bytes,
    address,
    meta: given.meta ?? {},
    parameters: '',
  };
}

/** The emitter of one call of `process`. */
class Outputs implements Emitter {
  readonly #created = new Set<Frame>();
  readonly #emitted: Frame[] = [];
  #settled = false;

  constructor(
    readonly type: string,
    readonly input: Frame,
    readonly buffer: ArrayBufferLike,
    readonly address: number,
    readonly maxOutputs: number,
    readonly maxOutputBytes: number,
  ) {}

  create(spec: CreateSpec): MutableFrame {
    const { dtype, shape } = spec;
    const bytes = byteLength(dtype, shape);
    if (this.#settled) throw this.#refusal('created a frame after process() settled');
    if (this.#created.size >= this.maxOutputs) throw this.#refusal(`created more than ${this.maxOutputs} frames`);
    if (shape.length > MAX_DIMENSIONS) throw this.#refusal(`created a frame of ${shape.length} dimensions`);
    if (!(bytes <= this.maxOutputBytes)) throw this.#refusal(`created a frame of ${bytes} bytes, at most are ${this.maxOutputBytes}`);
    const address = this.address + this.#created.size * align(this.maxOutputBytes);
    new Uint8Array(this.buffer, address, align(this.maxOutputBytes)).fill(POISON);
    const { source, ordinal, sequence, timestamp } = this.input;
    const frame: MutableFrame = {
      source,
      ordinal,
      sequence,
      timestamp,
      shape: [...shape],
      dtype,
      data: typedView(dtype, this.buffer, address, itemCount(shape)),
      bytes: new Uint8Array(this.buffer, address, bytes),
      address,
      meta: { ...this.input.meta, ...(spec.columns && { columns: spec.columns }), ...spec.meta },
      parameters: '',
    };
    this.#created.add(frame);
    return frame;
  }

  emit(frame: Frame): void {
    if (this.#settled) throw this.#refusal('emitted a frame after process() settled');
    if (frame !== this.input && !this.#created.has(frame))
      throw this.#refusal('emitted a frame that is neither its input nor made by create()');
    if (this.#emitted.includes(frame)) throw this.#refusal('emitted a frame twice');
    if (this.#emitted.length >= this.maxOutputs) throw this.#refusal(`emitted more than ${this.maxOutputs} frames`);
    this.#emitted.push(frame);
  }

  get isEmpty(): boolean {
    return this.#emitted.length === 0;
  }

  settle(): EmittedFrame[] {
    this.#settled = true;
    return this.#emitted.map(({ source, sequence, ordinal, timestamp, shape, dtype, data, meta }) => {
      return {
        source,
        sequence,
        ordinal,
        timestamp,
        shape: [...shape],
        dtype,
        data: data.slice() as TypedArray,
        meta: structuredClone(meta),
      };
    });
  }

  #refusal(what: string): MillraceError {
    return new MillraceError('ERR_OPERATOR_OUTPUT', `${this.type}: ${what}`);
  }
}
