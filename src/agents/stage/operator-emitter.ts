import { MillraceError } from '../../errors/errors.js';
import type { Frame, Meta, MutableFrame } from '../../frame/frame.js';
import { encodeMeta, FrameView } from '../../frame/frame-view.js';
import { MAX_META_BYTES } from '../../frame/slot-layout.js';
import type { CreateSpec, Emitter } from '../../operators/operator.js';
import type { OperatorPlan } from '../../plan/plan-types.js';

const columnsMeta = new WeakMap<readonly string[], Meta>();

/** The columns of a profile, as a meta object that is the same for the same array, so that its JSON is made once. */
function metaOfColumns(columns: readonly string[]): Meta {
  let meta = columnsMeta.get(columns);
  if (!meta) {
    meta = Object.freeze({ columns });
    encodeMeta(meta);
    columnsMeta.set(columns, meta);
  }
  return meta;
}

/** The properties that a new frame inherits from its input. */
export function describe(frame: FrameView, from: FrameView): void {
  frame.source = from.source;
  frame.sourceIndex = from.sourceIndex;
  frame.ordinal = from.ordinal;
  frame.sequence = from.sequence;
  frame.timestamp = from.timestamp;
  frame.receivedUs = from.receivedUs;
  frame.series = from.series;
  frame.block = from.block;
  frame.parametersHigh = from.parametersHigh;
  frame.parametersLow = from.parametersLow;
}

/** Where the slots of what the last operator makes come from. */
export interface OutputSlots {
  /** @throws ERR_OPERATOR_OUTPUT when one input produces too many frames. */
  takeSlot(): FrameView;
  giveBack(frame: FrameView): void;
}

/** The emitter of one operator. */
export class OperatorEmitter implements Emitter {
  readonly emitted: FrameView[] = [];
  readonly #created: FrameView[] = [];
  readonly #slots: OutputSlots;
  readonly #plan: OperatorPlan;
  readonly #last: boolean;
  readonly #scratch: readonly FrameView[];
  #input: FrameView | undefined;
  /** The input was not emitted yet. Not kept in the view: two lanes have the same one where a slot came by two ways. */
  #hasInput = false;
  #active = false;

  constructor(slots: OutputSlots, plan: OperatorPlan, last: boolean, scratch: readonly FrameView[]) {
    this.#slots = slots;
    this.#plan = plan;
    this.#last = last;
    this.#scratch = scratch;
  }

  start(input: FrameView): void {
    this.emitted.length = 0;
    this.#created.length = 0;
    this.#input = input;
    this.#hasInput = true;
    this.#active = true;
  }

  end(): void {
    this.#active = false;
    for (const frame of this.#created) {
      if (frame.owner === this && frame.slot >= 0) this.#slots.giveBack(frame); // created and not emitted
      frame.owner = undefined;
    }
    this.#hasInput = false;
  }

  /** After a failure: everything that was made goes back. */
  discard(): void {
    if (!this.#active) return;
    this.#active = false;
    for (const frame of this.#created) if (frame.slot >= 0) this.#slots.giveBack(frame);
    this.#created.length = 0;
    this.emitted.length = 0;
  }

  emit(frame: Frame): void {
    if (!this.#active) throw new MillraceError('ERR_OPERATOR_OUTPUT', `${this.#plan.type} emitted a frame after process() had settled`);
    const view = frame as FrameView;
    const isInput = view === this.#input;
    // A copy of a created frame has its owner too.
    if (isInput ? !this.#hasInput : !(view instanceof FrameView) || view.owner !== this)
      throw new MillraceError('ERR_OPERATOR_OUTPUT', `${this.#plan.type} emitted a frame twice, or one that it was not given`);
    if (this.emitted.length >= this.#plan.maxOutputs)
      throw new MillraceError(
        'ERR_OPERATOR_OUTPUT',
        `${this.#plan.type} emitted more than its ${this.#plan.maxOutputs} frames (maxOutputs)`,
      );
    checkMeta(view);
    if (isInput) this.#hasInput = false;
    else view.owner = undefined;
    this.emitted.push(view);
  }

  /** What was made and emitted: not the input that was handed on. */
  get results(): FrameView[] {
    return this.emitted.filter((frame) => this.#created.includes(frame));
  }

  create(spec: CreateSpec): MutableFrame {
    if (!this.#active) throw new MillraceError('ERR_OPERATOR_OUTPUT', `${this.#plan.type} created a frame after process() had settled`);
    const frame = this.#last ? this.#slots.takeSlot() : this.#scratch[this.#created.length];
    if (!frame)
      throw new MillraceError(
        'ERR_OPERATOR_OUTPUT',
        `${this.#plan.type} created more than its ${this.#plan.maxOutputs} frames (maxOutputs)`,
      );
    this.#created.push(frame);
    frame.owner = this;
    frame.begin(spec.dtype, spec.shape);
    const input = this.#input!;
    describe(frame, input);
    if (!spec.meta && !spec.columns) frame.inheritMeta(input);
    else if (!spec.meta && input.rawMeta.length === 0) frame.meta = metaOfColumns(spec.columns!);
    else frame.meta = { ...input.meta, ...spec.meta, ...(spec.columns ? { columns: spec.columns } : {}) };
    checkMeta(frame);
    return frame;
  }
}

/** Found here, it is the operator that fails, and may be tried again. */
function checkMeta({ rawMeta }: FrameView): void {
  if (rawMeta.length > MAX_META_BYTES)
    throw new MillraceError('ERR_OPERATOR_OUTPUT', `the meta of a frame has ${rawMeta.length} bytes of at most ${MAX_META_BYTES}`);
}
