import { MillraceError } from '../errors/errors.js';
import type { PipelineSpec } from '../spec/spec.js';

/** Stages so that each comes after what it reads; the links were checked before. */
export function inOrder(spec: PipelineSpec): string[] {
  const done = new Set(Object.keys(spec.sources));
  const order: string[] = [];
  let left = Object.keys(spec.stages);
  while (left.length) {
    const ready = left.filter((name) => spec.stages[name]!.from.every((from) => done.has(from)));
    if (!ready.length)
      throw new MillraceError('ERR_CONFIG_INVALID', `the stages ${left.join(', ')} form a circle, or read from a name that does not exist`);
    for (const name of ready) done.add(name);
    order.push(...ready);
    left = left.filter((name) => !done.has(name));
  }
  return order;
}
