import type { EgressDefinition } from '../../src/egress/egress.js';
import { SINKS } from '../../src/egress/registry.js';
import type { OperatorDefinition } from '../../src/operators/operator.js';
import { OPERATORS } from '../../src/operators/registry.js';

/** Most outputs of one input, and most frames of one batch. */
export const OUTPUTS = [1, 2, 3];
export const BATCHES = [1, 4, 16];

/**
 * Operators and sinks that only a plan knows: a simulated thread does their work. `sim-3` makes up to three frames of one,
 * `sim-3-passes` may hand its input on, `sim-3-async` may settle out of order, `sim-merge` keeps three of four.
 */
export function registerSimulated(): void {
  const operators = OPERATORS as Map<string, OperatorDefinition>;
  const parameters = { type: 'object', properties: { salt: { type: 'integer' }, filters: { type: 'boolean' } } };
  const add = (definition: Pick<OperatorDefinition, 'type'> & Partial<OperatorDefinition>): void => {
    operators.set(definition.type, {
      description: 'test',
      parameters,
      create: () => ({ process: () => undefined }),
      ...definition,
    });
  };
  for (const maxOutputs of OUTPUTS) {
    add({ type: `sim-${maxOutputs}`, maxOutputs, passes: false });
    add({ type: `sim-${maxOutputs}-passes`, maxOutputs });
    add({ type: `sim-${maxOutputs}-async`, maxOutputs, passes: false, async: true });
    add({ type: `sim-${maxOutputs}-passes-async`, maxOutputs, async: true });
  }
  add({ type: 'sim-merge', passes: false, stateful: true, merges: true });
  const sinks = SINKS as unknown as Map<string, EgressDefinition>;
  const nothing = SINKS.get('null') as unknown as EgressDefinition;
  for (const batch of BATCHES) sinks.set(`sim-${batch}`, { ...nothing, type: `sim-${batch}`, batch } as EgressDefinition);
}
