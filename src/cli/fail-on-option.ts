import { InvalidArgumentError } from 'commander';
import { FAIL_ON, type FailOn, failOnOf } from '../observe/fail-on.js';
import type { PipelineSpec } from '../spec/spec.js';

export const FAIL_ON_OPTION = [
  '--fail-on <list>',
  `reasons to fail the run (exit 1): ${FAIL_ON.join(', ')}, or none; overrides failOn of the file`,
] as const;

/** `dead,incomplete`: words separated by commas, or `none` alone. */
export function parseFailOn(text: string): FailOn[] {
  const words = text.split(',').map((word) => word.trim());
  const unknown = words.find((word) => word !== 'none' && !(FAIL_ON as readonly string[]).includes(word));
  if (unknown !== undefined) throw new InvalidArgumentError(`'${unknown}' is not one of ${FAIL_ON.join(', ')}, none.`);
  if (words.includes('none') && words.length > 1) throw new InvalidArgumentError("'none' cannot be combined with other values.");
  return failOnOf(words);
}

/** The spec with the failOn of the command line, if given. */
export const withFailOn = (spec: PipelineSpec, failOn: readonly FailOn[] | undefined): PipelineSpec =>
  failOn === undefined ? spec : { ...spec, failOn };
