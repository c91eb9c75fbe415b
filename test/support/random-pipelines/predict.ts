import { type Fate, fateOf } from '../operators/random-fates.mjs';
import type { Linked, Resolved } from './describe-case.js';
import type { SinkCase, StageCase } from './random-case.js';

/** How one leaf of a frame ends if nothing is lost on its way. */
export type Leaf =
  | { readonly end: 'delivered' | 'merged'; readonly sinks: readonly string[]; readonly times: number }
  | { readonly end: 'filtered' | 'partner' | 'unmatched' }
  | { readonly end: 'throw' | 'die' };

const isJoin = ({ is }: Linked<StageCase>): boolean => is.kind === 'join-ordinal' || is.kind === 'join-frame';
const isMerge = ({ is }: Linked<StageCase>): boolean => is.kind === 'merge' || is.kind === 'collect';

/** Says what should become of each frame, from the description and the operators' fates alone. */
export class Prediction {
  readonly #resolved: Resolved;

  constructor(resolved: Resolved) {
    this.#resolved = resolved;
  }

  /** The leaves of frame `number` of a source. */
  leaves(source: string, number: number): Leaf[] {
    return this.#from(source, source, number, 1);
  }

  /** How often a sink should get a frame as such, and how often merged into a result, if nothing is lost. */
  at(sink: string, source: string, number: number): { frames: number; merged: number } {
    const count = { frames: 0, merged: 0 };
    for (const leaf of this.leaves(source, number))
      if ((leaf.end === 'delivered' || leaf.end === 'merged') && leaf.sinks.includes(sink))
        count[leaf.end === 'merged' ? 'merged' : 'frames'] += leaf.times;
    return count;
  }

  #from(node: string, source: string, number: number, times: number): Leaf[] {
    const { stages, sinks } = this.#resolved;
    const leaves: Leaf[] = sinks
      .filter(({ from }) => from.includes(node))
      .map(({ name }) => ({ end: 'delivered', sinks: [name], times }) as const);
    for (const stage of stages) if (stage.from.includes(node)) leaves.push(...this.#through(stage, node, source, number, times));
    return leaves;
  }

  #through(stage: Linked<StageCase>, node: string, source: string, number: number, times: number): Leaf[] {
    if (isMerge(stage)) {
      const behind = this.#resolved.sinks.filter(({ from }) => from.includes(stage.name)).map(({ name }) => name);
      return [{ end: 'merged', sinks: behind, times }];
    }
    let count = times;
    if (isJoin(stage)) {
      if (stage.from.some((from) => from !== node && !this.#arrives(from, stage, source, number))) return [{ end: 'unmatched' }];
      count = 1;
    }
    const fate = fateOf(number, stage.is.salt, stage.is.weights);
    if (fate === 'throw') return [{ end: 'throw' }];
    if (fate === 'exit' || fate === 'loop') return [{ end: 'die' }];
    if (fate === 'filter') return [{ end: 'filtered' }];
    if (isJoin(stage) && node !== stage.from[0]) return [{ end: 'partner' }];
    return this.#from(stage.name, source, number, fate === 'three' ? 3 * count : count);
  }

  /** Whether the partner of a frame comes out of another input of a join. */
  #arrives(node: string, stage: Linked<StageCase>, source: string, number: number): boolean {
    const partner = stage.is.kind === 'join-ordinal' ? source : this.#rootOf(node);
    if (number >= this.#framesOf(partner)) return false;
    return this.#comesOut(node, partner, number);
  }

  #comesOut(node: string, source: string, number: number): boolean {
    if (node === source) return true;
    const stage = this.#resolved.stages.find(({ name }) => name === node);
    if (!stage) return false;
    const fate = fateOf(number, stage.is.salt, stage.is.weights);
    const joins = isJoin(stage);
    // Behind a join comes what its first input brings, if all others do.
    const froms = joins ? stage.from.slice(0, 1) : stage.from;
    if (!froms.some((from) => this.#comesOut(from, source, number))) return false;
    if (joins && !stage.from.slice(1).every((from) => this.#arrives(from, stage, source, number))) return false;
    return !isGone(fate);
  }

  #rootOf(node: string): string {
    const stage = this.#resolved.stages.find(({ name }) => name === node);
    return stage ? this.#rootOf(stage.from[0]!) : node;
  }

  #framesOf(source: string): number {
    return this.#resolved.sources.find(({ name }) => name === source)!.is.frames;
  }

  /** Nodes from which a sink or stage can be reached, itself included. */
  upstream(node: string): Set<string> {
    const all = [...this.#resolved.stages, ...this.#resolved.sinks] as readonly Linked<StageCase | SinkCase>[];
    const found = new Set([node]);
    for (const name of found) for (const from of all.find((one) => one.name === name)?.from ?? []) found.add(from);
    return found;
  }
}

const isGone = (fate: Fate): boolean => fate === 'throw' || fate === 'exit' || fate === 'loop' || fate === 'filter';
