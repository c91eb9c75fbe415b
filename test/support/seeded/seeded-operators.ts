import type { EgressDefinition } from '../../../src/egress/egress.js';
import { SINKS } from '../../../src/egress/registry.js';
import type { Emitter, Frame, Operator, OperatorDefinition } from '../../../src/operators/operator.js';
import { OPERATORS } from '../../../src/operators/registry.js';
import type { SeededDriver } from './seeded-driver.js';
import { markOf } from './seeded-source.js';

/** Most outputs of one input, and most frames of one batch. */
export const OUTPUTS = [1, 2, 3];
export const BATCHES = [1, 4, 16];

/** The driver of the run: asynchronous operators settle when it says so. */
let driver: SeededDriver;
export const settleBy = (one: SeededDriver): void => {
  driver = one;
};

/** A frame has its source and number in its payload too: a slot that is another frame by now is seen. */
export function checkMark(frame: Frame): void {
  const { bytes, sequence, sourceIndex, source } = frame as Frame & { readonly sourceIndex: number };
  const found = new Int32Array(bytes.buffer, bytes.byteOffset, 1)[0];
  if (found !== markOf(sequence, sourceIndex)) throw new Error(`frame ${sequence} of '${source}' holds ${found}`);
}

function make(frame: Frame, out: Emitter, count: number): void {
  for (let i = 0; i < count; i++) {
    const made = out.create({ dtype: 'uint8', shape: [1, 16] });
    made.bytes.set(frame.bytes);
    out.emit(made);
  }
}

interface Kind {
  readonly maxOutputs: number;
  readonly passes: boolean;
  readonly async: boolean;
}

/** What becomes of a frame depends on its ordinal alone: nothing, itself, one new frame, or the most. */
function createSeeded({ maxOutputs, passes, async }: Kind, params: { salt?: number; filters?: boolean }): Operator {
  const work = (frame: Frame, out: Emitter): void => {
    for (const one of frame.joined ?? [frame]) checkMark(one);
    const die = Math.imul(frame.ordinal + 1 + 7919 * (params.salt ?? 0), 0x9e3779b1) >>> 29;
    if (params.filters && die === 0) return;
    if (passes && die < 3) out.emit(frame);
    else make(frame, out, die === 7 ? 1 : maxOutputs);
  };
  if (!async) return { process: work };
  return {
    async process(frame, out) {
      await driver.call(frame.ordinal);
      work(frame, out);
    },
  };
}

/** Of four frames one new one comes. */
function createMerge(): Operator {
  let taken = 0;
  return {
    process(frame, out) {
      for (const one of frame.joined ?? [frame]) checkMark(one);
      if (++taken % 4 === 0) make(frame, out, 1);
    },
  };
}

/**
 * Operators whose names say what they do: `sim-3` makes up to three frames of one, `sim-3-passes` may hand its input on,
 * `sim-3-async` settles out of order, `sim-merge` keeps one of four. Sinks whose names have the size of their batches.
 */
export function registerSeeded(): void {
  const operators = OPERATORS as Map<string, OperatorDefinition>;
  const parameters = { type: 'object', properties: { salt: { type: 'integer' }, filters: { type: 'boolean' } } };
  const add = (definition: Pick<OperatorDefinition, 'type' | 'create'> & Partial<OperatorDefinition>): void => {
    operators.set(definition.type, { description: 'test', parameters, ...definition });
  };
  for (const maxOutputs of OUTPUTS)
    for (const passes of [false, true])
      for (const async of [false, true])
        add({
          type: `sim-${maxOutputs}${passes ? '-passes' : ''}${async ? '-async' : ''}`,
          maxOutputs,
          ...(passes ? {} : { passes: false }),
          ...(async ? { async: true } : {}),
          create: (params) => createSeeded({ maxOutputs, passes, async }, params),
        });
  add({ type: 'sim-merge', passes: false, stateful: true, merges: true, create: createMerge });
  const sinks = SINKS as unknown as Map<string, EgressDefinition>;
  const nothing = SINKS.get('null') as unknown as EgressDefinition;
  for (const batch of BATCHES) sinks.set(`sim-${batch}`, { ...nothing, type: `sim-${batch}`, batch } as EgressDefinition);
}
