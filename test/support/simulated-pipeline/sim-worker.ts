import type { Attachment } from '../../../src/agents/thread/attachment.js';
import { RecordWriter, readChain, recordOutputs } from '../../../src/agents/thread/commit-outputs.js';
import type { FrameView } from '../../../src/frame/frame-view.js';
import { OUTCOME } from '../../../src/observe/outcome.js';
import type { EdgePlan, StageNode } from '../../../src/plan/plan-types.js';
import { fateOf } from '../operators/fates.mjs';
import { check, fill, PAYLOAD_BYTES } from './payload.js';
import { SimParcels } from './sim-parcels.js';
import type { SimThread, SimWorld, Sleep, Wait } from './sim-thread.js';
import { UnfinishedRecord } from './unfinished-record.js';

const MAX_OUTPUTS = 3;

export class SimWorker implements SimThread {
  asleep?: Sleep;
  readonly #rest: UnfinishedRecord;
  readonly #record: RecordWriter;
  readonly #stock: FrameView[] = [];
  readonly #edge: EdgePlan;
  readonly #inputs: FrameView[] = [];
  readonly #parcels: SimParcels;

  constructor(
    readonly simulation: SimWorld,
    readonly attachment: Attachment,
    readonly stage: StageNode,
  ) {
    this.#rest = new UnfinishedRecord(attachment);
    this.#record = new RecordWriter(attachment);
    this.#edge = attachment.edgeInto(stage.name);
    this.#parcels = new SimParcels(simulation, attachment, stage, this.#record);
  }

  turn(): Wait | undefined {
    const { attachment } = this;
    const { ring } = attachment;
    if (this.#rest.isLeft) return this.#rest.resume();
    const pool = attachment.poolOf(this.stage.name);
    while (this.#stock.length < MAX_OUTPUTS) {
      const slot = ring.claim(pool.ring);
      if (slot < 0) return { bell: pool.bell, members: pool.threads };
      this.#stock.push(attachment.frame(slot));
    }
    const reference = ring.take(this.#edge.ring, 0);
    if (reference < 0) return { bell: this.#edge.itemBell, members: this.#edge.consumerThreads };
    const [input] = readChain(attachment, reference, this.#inputs);
    check(input!, input!.ordinal, 0);
    const { records } = this.simulation.options;
    if (records) {
      const done = this.#parcels.commit(reference, input!, records, () => this.#output(input!, 0));
      this.#rest.begin(done, this.#record.outputCount);
      return undefined;
    }
    const fate = fateOf(input!.ordinal);
    const branch = reference >>> 24;
    const record = this.#record;
    record.start();
    if (fate === 'filtered') {
      record.settle(0, input!.ordinal, this.#edge.leaves[0]![branch]!, OUTCOME.filtered);
      record.input(reference);
    } else {
      const outputs = fate === 'passed' ? [input!] : Array.from({ length: fate === 'three' ? 3 : 1 }, (_, i) => this.#output(input!, i));
      recordOutputs(attachment, record, reference, fate === 'passed', outputs, this.stage.routes[0]![branch]!);
    }
    this.#rest.begin(record.commit(1, 16), record.outputCount);
    return undefined;
  }

  #output(input: FrameView, index: number): FrameView {
    const output = this.#stock.pop()!;
    output.begin('uint8', [1, PAYLOAD_BYTES]);
    output.sourceIndex = 0;
    output.ordinal = input.ordinal;
    output.sequence = input.sequence;
    fill(output, input.ordinal, index);
    return output;
  }

  died(): void {
    this.#parcels.died();
  }

  close(): void {
    for (const { slot } of this.#stock.splice(0)) this.attachment.ring.release(slot);
  }
}
