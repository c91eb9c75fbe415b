import { InvalidArgumentError } from 'commander';
import { FAIL_ON, type FailOn, failOnOf } from '../observe/fail-on.js';
import type { PipelineSpec } from '../spec/spec.js';

export const FAIL_ON_OPTION = [
  '--fail-on <list>',
  `what makes the run fail (exit 1): ${FAIL_ON.join(', ')}, or none; overrides failOn of the file`,
] as const;

/** `dead,incomplete`: words with commas, or `none` alone. */
export function parseFailOn(text: string): FailOn[] {
  const words = text.split(',').map((word) => word.trim());
  const unknown = words.find((word) => word !== 'none' && !(FAIL_ON as readonly string[]).includes(word));
  if (unknown !== undefined) throw new InvalidArgumentError(`'${unknown}' is not one of ${FAIL_ON.join(', ')}, none.`);
  if (words.includes('none') && words.length > 1) throw new InvalidArgumentError("'none' goes alone.");
  return failOnOf(words);
}

/** The spec with what the command line says of failing, if it says anything. */
export const withFailOn = (spec: PipelineSpec, failOn: readonly FailOn[] | undefined): PipelineSpec =>
  failOn === undefined ? spec : { ...spec, failOn };
