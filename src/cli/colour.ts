export type Paint = (text: string, colour: 'green' | 'red' | 'yellow' | 'dim') => string;

const CODES = { green: 32, red: 31, yellow: 33, dim: 2 } as const;

/** Without colour. */
export const plain: Paint = (text) => text;

const coloured: Paint = (text, colour) => `\u001b[${CODES[colour]}m${text}\u001b[0m`;

/**
 * FORCE_COLOR (not 0) turns colour on; NO_COLOR (not empty) and TERM=dumb turn it off; otherwise only a terminal gets
 * colour.
 */
export function paintFor(isTty: boolean, env: Readonly<Record<string, string | undefined>>): Paint {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env;
  if (force !== undefined && force !== '') return force === '0' || force === 'false' ? plain : coloured;
  if (no !== undefined && no !== '') return plain;
  return isTty && term !== 'dumb' ? coloured : plain;
}
