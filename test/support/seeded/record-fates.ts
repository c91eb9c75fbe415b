import type { Attachment } from '../../../src/agents/thread/attachment.js';
import type { FrameView } from '../../../src/frame/frame-view.js';
import { OUTCOME } from '../../../src/observe/outcome.js';
import type { OperatorDefinition } from '../../../src/operators/operator.js';
import { OPERATORS } from '../../../src/operators/registry.js';
import { LINE } from '../../../src/ring/ring-layout.js';
import type { RingOperations } from '../../../src/ring/ring-operations.js';

/** How records of a parcel end in a worker. */
const ENDS = [OUTCOME.filtered, OUTCOME['operator-failed']];

/** The last parcel that an operator was called with, and the codes by which its records end, by their number; 0: it goes on. */
interface Drawn {
  readonly ordinal: number;
  readonly choices: readonly number[];
  readonly codes: number[];
}

/** Ends none, some or all records of a parcel, each time that a worker has it anew by the die, and notes what was committed. */
export class RecordFates {
  /** By ordinal. */
  readonly ended = new Map<number, readonly number[]>();
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
          const code = this.#draw(frame as FrameView);
          if (code === OUTCOME['operator-failed']) throw new Error('test');
          if (code !== 0) return;
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

  #draw({ ordinal, index }: FrameView): number {
    if (this.#drawn?.ordinal !== ordinal) this.#drawn = { ordinal, choices: this.#random(3) > 0 ? [0, 0, ...ENDS] : ENDS, codes: [] };
    const { choices, codes } = this.#drawn;
    codes[index] ??= choices[this.#random(choices.length)]!;
    return codes[index];
  }

  /** Notes what a worker commits, also where it dies behind the point from which it is committed. */
  watch(attachment: Attachment): void {
    const { ring } = attachment;
    const commits = (): number => attachment.word(attachment.line + LINE.record) >>> 1;
    const noting: RingOperations = {
      ...ring,
      commit: (...counts) => {
        const before = commits();
        try {
          return ring.commit(...counts);
        } finally {
          if (commits() !== before) this.#note();
        }
      },
    };
    Object.assign(attachment, { ring: noting });
  }

  /** After a death: the parcel comes again. */
  forget(): void {
    this.#drawn = undefined;
  }

  #note(): void {
    const { ordinal, codes } = this.#drawn!;
    this.#drawn = undefined;
    if (this.ended.has(ordinal)) throw new Error(`parcel ${ordinal} was committed twice`);
    this.ended.set(ordinal, codes);
  }
}
