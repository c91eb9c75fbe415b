import { MillraceError } from '../errors/errors.js';
import { moduleLoader } from '../modules/module-loader.js';
import type { Operator, OperatorDefinition } from './operator.js';
import { OPERATORS } from './registry.js';

type OperatorFactory = (params: Record<string, unknown>) => Operator;

function isDefinition(value: unknown): value is OperatorDefinition {
  return typeof value === 'object' && value !== null && typeof (value as OperatorDefinition).create === 'function';
}

/** The default export of a module is a definition, or a plain function from parameters to an operator. */
export function definitionOf(exported: unknown, type: string): OperatorDefinition {
  if (isDefinition(exported)) return exported;
  if (typeof exported === 'function') {
    const factory = exported as OperatorFactory;
    return { type, description: '', parameters: { type: 'object' }, create: (params) => factory(params) };
  }
  throw new MillraceError('ERR_CONFIG_INVALID', `the default export of ${type} is neither a function nor the result of defineOperator`);
}

/** Checks the return value of `create`. @throws ERR_CONFIG_INVALID when it is not an operator. */
export function madeOperator(made: unknown, type: string): Operator {
  if (typeof (made as Operator | null | undefined)?.process === 'function') return made as Operator;
  throw new MillraceError(
    'ERR_CONFIG_INVALID',
    `${type} did not create an operator: it must return an object with a function 'process(frame, out)'`,
  );
}

export const operatorLoader = moduleLoader('operator', OPERATORS as ReadonlyMap<string, OperatorDefinition>, definitionOf);

/** Whether the plan must assume that an operator is asynchronous: a module without a declaration may be. */
export const mayBeAsync = (definition: OperatorDefinition, isModule: boolean): boolean => definition.async ?? isModule;

/**
 * Whether the chain needs the asynchronous loop: the operator declares it, or declares nothing and its function is
 * `async`.
 */
export function isAsyncOperator(definition: OperatorDefinition, operator: Operator): boolean {
  return definition.async ?? isAsyncFunction(operator);
}

export function isAsyncFunction(operator: Operator): boolean {
  return Object.getPrototypeOf(operator.process)?.constructor?.name === 'AsyncFunction';
}
