import { MillraceError } from '../errors/errors.js';

/**
 * Options that a call does not know, from a program that no type checker has seen, would be ignored without a word.
 * @throws ERR_USAGE
 */
export function refuseOthers(call: string, options: object, known: readonly string[]): void {
  const other = Object.keys(options).find((key) => !known.includes(key));
  if (other !== undefined) throw new MillraceError('ERR_USAGE', `${call} has no option '${other}' (known: ${known.join(', ')})`);
}
