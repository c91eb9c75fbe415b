import type { Attachment } from '../../../src/agents/thread/attachment.js';
import type { FrameView } from '../../../src/frame/frame-view.js';
import type { OperatorDefinition } from '../../../src/operators/operator.js';
import { OPERATORS } from '../../../src/operators/registry.js';
import { LINE } from '../../../src/ring/ring-layout.js';
import { replaceOperations } from './replace-operations.js';

/** What becomes of a record: it goes on to the sinks, or ends in the worker. */
export type Fate = 'delivered' | 'filtered' | 'operator-failed';
const ENDS: readonly Fate[] = ['filtered', 'operator-failed'];

/** The last parcel that an operator was called with, and the fates of its records, by their number. */
interface Drawn {
  readonly ordinal: number;
  readonly choices: readonly Fate[];
  readonly fates: Fate[];
}

/** Ends none, some or all records of a parcel, each time that a worker has it anew by the die, and notes what was committed. */
export class RecordFates {
  /** By ordinal. */
  readonly ended = new Map<number, readonly Fate[]>();
  readonly #random: (n: number) => number;
  /** The workers run in one thread: what was drawn last is what is committed next. */
  #drawn: Drawn | undefined;

  constructor(random: (n: number) => number) {
    this.#random = random;
  }

  /** Operator `record-fates`, of this run. */
  register(): void {
    const definition: OperatorDefinition = {
      type: 'record-fates',
      description: 'test',
      parameters: { type: 'object' },
      create: () => ({
        process: (frame, out) => {
          const fate = this.#draw(frame as FrameView);
          if (fate === 'operator-failed') throw new Error('test');
          if (fate === 'filtered') return;
          if (frame.sequence % 2 === 0) out.emit(frame);
          else {
            const made = out.create({ dtype: frame.dtype, shape: frame.shape });
            made.bytes.set(frame.bytes);
            out.emit(made);
          }
        },
      }),
    };
    (OPERATORS as Map<string, OperatorDefinition>).set(definition.type, definition);
  }

  #draw({ ordinal, index }: FrameView): Fate {
    if (this.#drawn?.ordinal !== ordinal)
      this.#drawn = { ordinal, choices: this.#random(3) > 0 ? ['delivered', 'delivered', ...ENDS] : ENDS, fates: [] };
    const { choices, fates } = this.#drawn;
    fates[index] ??= choices[this.#random(choices.length)]!;
    return fates[index];
  }

  /** Notes what a worker commits, also where it dies behind the point from which it is committed. */
  watch(attachment: Attachment): void {
    const { ring } = attachment;
    const commits = (): number => attachment.word(attachment.line + LINE.record) >>> 1;
    replaceOperations(attachment, {
      commit: (...counts) => {
        const before = commits();
        try {
          return ring.commit(...counts);
        } finally {
          if (commits() !== before) this.#note();
        }
      },
    });
  }

  /** After a death: the parcel comes again. */
  forget(): void {
    this.#drawn = undefined;
  }

  #note(): void {
    const { ordinal, fates } = this.#drawn!;
    this.#drawn = undefined;
    if (this.ended.has(ordinal)) throw new Error(`parcel ${ordinal} was committed twice`);
    this.ended.set(ordinal, fates);
  }
}
