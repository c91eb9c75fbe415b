import { MillraceError } from '../errors/errors.js';

/**
 * Refuses unknown options, which would otherwise be ignored silently when no type checker has seen the program.
 * @throws ERR_USAGE
 */
export function refuseOthers(call: string, options: object, known: readonly string[]): void {
  const other = Object.keys(options).find((key) => !known.includes(key));
  if (other !== undefined) throw new MillraceError('ERR_USAGE', `${call} has no option '${other}' (known: ${known.join(', ')})`);
}
