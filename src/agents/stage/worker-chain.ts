import type { Logger } from '../../errors/logger.js';
import { ParametersStamp } from '../../frame/parameters-stamp.js';
import type { PartialView } from '../../operators/operator.js';
import type { StageNode } from '../../plan/plan-types.js';
import { BACK, epochAddress, LEFT, readParameters, workerAddress } from '../../plan/stage-parameters.js';
import type { Attachment } from '../thread/attachment.js';
import { type ChainLink, closeLink, makeLink, type SeriesSeen } from './chain-link.js';

/** The operators of a worker with the parameters of one epoch, and how their frames are marked. */
export interface Chain {
  readonly epoch: number;
  readonly links: readonly ChainLink[];
  readonly stamp: ParametersStamp;
  /** Which series the chain has met. Each link knows by itself which one it heard of. */
  readonly series: SeriesSeen;
}

/** Keeps the operators of one worker at the stage's present parameters. */
export class WorkerChain {
  readonly #attachment: Attachment;
  readonly #stage: StageNode;
  readonly #worker: number;
  readonly #log: Logger;
  readonly #partial: PartialView | undefined;
  #chain: Chain | undefined;

  constructor(attachment: Attachment, stage: StageNode, worker: number, log: Logger, partial?: PartialView) {
    this.#partial = partial;
    this.#attachment = attachment;
    this.#stage = stage;
    this.#worker = worker;
    this.#log = log;
  }

  get chain(): Chain {
    return this.#chain!;
  }

  /** Whether newer parameters were published than the chain has. */
  get stale(): boolean {
    const { update } = this.#stage;
    // acquires: the bank and the tables of the epoch
    return update !== undefined && Atomics.load(this.#attachment.arena.words, epochAddress(update)) !== this.#chain!.epoch;
  }

  /** Makes the operators that changed anew. Returns those that they replace, for the caller to close. */
  async renew(): Promise<ChainLink[]> {
    const { update, operators, parameters: first } = this.#stage;
    const { words, buffer } = this.#attachment.arena;
    const before = this.#chain;
    // Said before the epoch is read: from then on its bank is kept.
    if (update && !before && Atomics.load(words, workerAddress(update, this.#worker)) === LEFT) this.#say(BACK);
    const epoch = update ? Atomics.load(words, epochAddress(update)) : 0; // acquires: the bank and the tables of the epoch
    const present = update && epoch > 0 ? readParameters(buffer, update, epoch) : undefined;
    const links: ChainLink[] = [];
    const replaced: ChainLink[] = [];
    for (const [at, plan] of operators.entries()) {
      const parameters = present?.operators[at] ?? { epoch: 0, bank: 0, params: plan.params, ...plan.prepared, constants: plan.constants };
      const old = before?.links[at];
      if (old && parameters.epoch <= before.epoch) {
        links.push(old);
        continue;
      }
      const scratch = plan.scratch[this.#worker]! + parameters.bank * plan.scratchStride;
      links.push(await makeLink(this.#attachment, plan, parameters, scratch, this.#worker, this.#log, this.#partial));
      if (old) replaced.push(old);
    }
    this.#chain = { epoch, links, stamp: new ParametersStamp(present?.hash ?? first), series: new Map() };
    return replaced;
  }

  /** Nothing older than the chain is under way. */
  settle(): void {
    this.#say(this.#chain!.epoch);
  }

  leave(): void {
    this.#say(LEFT);
  }

  close(): void {
    for (const link of this.#chain?.links ?? []) closeLink(link, this.#log);
  }

  #say(epoch: number): void {
    const { update } = this.#stage;
    // publishes: that older banks are free
    if (update) Atomics.store(this.#attachment.arena.words, workerAddress(update, this.#worker), epoch);
  }
}
