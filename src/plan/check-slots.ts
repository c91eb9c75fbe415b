import { MillraceError, type Place } from '../errors/errors.js';
import type { StageSpec } from '../spec/spec.js';
import type { KnownDraft } from './draft.js';
import type { PlanIssues } from './plan-issues.js';

/** A keyed stage has a FIFO for each worker, so frames must come in order. Links were checked before; this checks the operators. */
export function checkKeyed({ stages }: KnownDraft, name: string, stage: StageSpec, comesInAnyOrder: boolean, issues: PlanIssues): void {
  const refuse = (message: string): void => {
    issues.add(new MillraceError('ERR_CONFIG_PROMISE', `stage '${name}' ${message}`, stage.place ? { place: stage.place } : {}));
  };
  if (comesInAnyOrder) {
    const remedy = stage.deterministic ? 'it cannot be deterministic behind them' : 'set order: none';
    refuse(
      `would keep the order of frames per key, but the operators before it may be asynchronous: ${remedy}, or say async: false in the definition of a module that is not`,
    );
  }
  if (stage.key?.kind === 'meta' && stage.from.some((from) => (stages.get(from)?.output.chained ?? 1) > 1))
    refuse(
      'has a key of the meta, but one frame may become several before it, which travel as one: take its frames from before those operators',
    );
}

/**
 * A blocking pool works with few slots, slowly: its producer waits, but never for itself. Behind a dropping edge the
 * policy would never act with fewer slots than the edge holds, so there the sum is required.
 */
export function checkSlots(
  owner: string,
  given: number,
  least: number,
  drops: boolean,
  place: Place | undefined,
  issues: PlanIssues,
): void {
  if (given >= least) return;
  const why = drops
    ? 'its frames reach an edge that drops, and would wait for a slot instead of being dropped'
    : 'the frames that one input may become are claimed before it is taken, by every worker at once';
  const message = `'${owner}' needs at least ${least} slots, not ${given}: ${why}`;
  issues.add(new MillraceError('ERR_CONFIG_PROMISE', message, place ? { place } : {}));
}
