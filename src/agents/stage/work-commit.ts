import type { FrameView } from '../../frame/frame-view.js';
import { OUTCOME } from '../../observe/outcome.js';
import type { StageNode } from '../../plan/plan-types.js';
import type { Attachment } from '../thread/attachment.js';
import { RecordWriter, recordOutputs } from '../thread/commit-outputs.js';
import type { Aggregates, Lane } from './lane.js';
import type { ParcelRun } from './parcel-run.js';
import type { StageInputs, Taken } from './stage-inputs.js';

/** Commits what a worker made of an input: outputs, settlements, what is released, and the counts that go with them. */
export class WorkCommit {
  readonly #attachment: Attachment;
  readonly #stage: StageNode;
  readonly #worker: number;
  readonly #inputs: StageInputs;
  readonly #aggregates: Aggregates;
  readonly #onLost: (source: number, frames: number) => void;
  readonly #record: RecordWriter;

  constructor(
    attachment: Attachment,
    stage: StageNode,
    worker: number,
    inputs: StageInputs,
    aggregates: Aggregates,
    onLost: (source: number, frames: number) => void,
  ) {
    this.#attachment = attachment;
    this.#stage = stage;
    this.#worker = worker;
    this.#inputs = inputs;
    this.#aggregates = aggregates;
    this.#onLost = onLost;
    this.#record = new RecordWriter(attachment);
  }

  get outputCount(): number {
    return this.#record.outputCount;
  }

  /** Writes the record of one input and commits it. Returns how many outputs were handed over. */
  fill(reference: number, { inputs, partners }: Taken, lane: Lane, failure: number): number {
    const record = this.#record;
    const { sourceIndex: source, ordinal } = inputs[0]!;
    const branch = reference >>> 24;
    let bytes = 0;
    let frames = 0;
    for (const input of inputs) if (!input.empty) frames++;
    for (const input of inputs[0]!.joined ?? inputs) bytes += input.lengthBytes;
    record.start();
    const failed = failure >= 0;
    if (failed && inputs[inputs.length - 1]!.ends) lane.passEnd();
    const code = failed ? failure : lane.outputs.length > 0 || lane.merged ? OUTCOME.merged : OUTCOME.filtered;
    if (lane.outputs.length === 0) {
      record.settle(source, ordinal, this.#inputs.edge.leaves[source]![branch]!, code);
      record.input(reference);
    } else recordOutputs(this.#attachment, record, reference, lane.passesOn, lane.outputs, this.#stage.routes[source]![branch]!);
    for (let i = 0; i < partners.length; i++) {
      const partner = partners[i]!;
      const { sourceIndex, ordinal } = this.#attachment.frame(partner);
      record.settle(sourceIndex, ordinal, this.#inputs.join!.partnerLeaves(i, partner), code);
      record.input(partner);
    }
    this.#fillAggregates(source, failed);
    return record.commit(frames, bytes);
  }

  /** The same for a parcel: records that ended here are named one by one, unless all did, in the same way. */
  fillParcel(reference: number, inputs: readonly FrameView[], run: ParcelRun): number {
    const record = this.#record;
    const { sourceIndex: source, ordinal } = inputs[0]!;
    const branch = reference >>> 24;
    const leaves = this.#inputs.edge.leaves[source]![branch]!;
    const outputs = run.passesOn ? inputs : run.outputs;
    record.start();
    if (run.codes !== 0 && (outputs.length > 0 || (run.codes & (run.codes - 1)) !== 0)) {
      const address = this.#stage.outcomes[this.#worker]!;
      this.#attachment.arena.bytes.set(run.ended, address);
      record.settleEach(source, ordinal, leaves, address);
    }
    if (outputs.length === 0) {
      record.settle(source, ordinal, leaves, 31 - Math.clz32(run.codes));
      record.input(reference);
    } else recordOutputs(this.#attachment, record, reference, run.passesOn, outputs, this.#stage.routes[source]![branch]!);
    this.#fillAggregates(source, false);
    return record.commit(run.records, run.bytes);
  }

  /** What aggregates hold, handed on and lost, into the banks that this commit makes the live ones. */
  #fillAggregates(source: number, failed: boolean): void {
    const { partials, held } = this.#aggregates;
    const lost = partials ? partials.fill(failed) : held ? held.fill(source) : 0;
    if (lost > 0) this.#onLost(source, lost);
  }
}
