import type { OperatorDefinition } from './operator.js';

/** Whether an operator with these parameters keeps state between frames. */
export function isStateful(definition: OperatorDefinition, params: Readonly<Record<string, unknown>>): boolean {
  const { stateful = false } = definition;
  return typeof stateful === 'function' ? stateful({ ...params }) : stateful;
}
