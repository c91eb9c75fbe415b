import type { Attachment } from '../../../src/agents/thread/attachment.js';
import { type RecordWriter, recordOutputs } from '../../../src/agents/thread/commit-outputs.js';
import type { FrameView } from '../../../src/frame/frame-view.js';
import { OUTCOME } from '../../../src/observe/outcome.js';
import type { StageNode } from '../../../src/plan/plan-types.js';
import { LINE } from '../../../src/ring/ring-layout.js';
import type { SimWorld } from './sim-thread.js';

/** How records of a parcel end in a worker. */
const ENDS = [OUTCOME.merged, OUTCOME['operator-failed']];

/** What a worker does with a parcel: ends none, some or all of its records, each time anew by the die. */
export class SimParcels {
  readonly #simulation: SimWorld;
  readonly #attachment: Attachment;
  readonly #stage: StageNode;
  readonly #record: RecordWriter;
  #pending: { readonly ordinal: number; readonly codes: readonly number[] } | undefined;
  #before = 0;

  constructor(simulation: SimWorld, attachment: Attachment, stage: StageNode, record: RecordWriter) {
    this.#simulation = simulation;
    this.#attachment = attachment;
    this.#stage = stage;
    this.#record = record;
  }

  /** As `WorkCommit.fillParcel`: what ends here is named record by record, unless all do in the same way. Outputs handed over. */
  commit(reference: number, input: FrameView, records: number, copy: () => FrameView): number {
    const { random } = this.#simulation;
    const choices = random(3) > 0 ? [0, 0, ...ENDS] : ENDS;
    const codes = Array.from({ length: records }, () => choices[random(choices.length)]!);
    const kinds = new Set(codes.filter((code) => code > 0)).size;
    const outputs = codes.includes(0) ? [random(2) === 0 ? input : copy()] : [];
    const branch = reference >>> 24;
    const leaves = this.#attachment.edgeInto(this.#stage.name).leaves[0]![branch]!;
    const record = this.#record;
    record.start();
    if (kinds > (outputs.length > 0 ? 0 : 1)) record.settleEach(0, input.ordinal, leaves, this.#write(codes));
    if (outputs.length === 0) {
      record.settle(0, input.ordinal, leaves, Math.max(...codes));
      record.input(reference);
    } else recordOutputs(this.#attachment, record, reference, outputs[0] === input, outputs, this.#stage.routes[0]![branch]!);
    this.#before = this.#commits;
    this.#pending = { ordinal: input.ordinal, codes };
    const done = record.commit(records, 16);
    this.#note();
    return done;
  }

  /** A byte for each record, 0 or 1 + the code by which it ends. */
  #write(codes: readonly number[]): number {
    const address = this.#stage.outcomes[this.#stage.threads.indexOf(this.#attachment.thread)]!;
    const bytes = codes.map((code) => (code > 0 ? code + 1 : 0));
    this.#attachment.arena.bytes.fill(0, address, address + this.#stage.maxRecords).set(bytes, address);
    return address;
  }

  /** What its record says was committed ends so. */
  died(): void {
    if (this.#pending && this.#commits !== this.#before) this.#note();
  }

  get #commits(): number {
    return this.#attachment.word(this.#attachment.line + LINE.record) >>> 1;
  }

  #note(): void {
    const { ordinal, codes } = this.#pending!;
    this.#pending = undefined;
    if (this.#simulation.ended.has(ordinal)) throw new Error(`parcel ${ordinal} was committed twice`);
    this.#simulation.ended.set(ordinal, codes);
  }
}
