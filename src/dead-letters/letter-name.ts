import { LETTER_SUFFIX, type LetterHeader } from './letter.js';

const MAX_PART_LENGTH = 64;

/** Only characters that every file system accepts, and never a path to another folder. */
const safe = (name: string): string => name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, MAX_PART_LENGTH) || '_';

/** `<source>-<ordinal>-<stage or sink>-<time>.letter`; after the node, the index among several frames of one input. */
export function letterName({ source, ordinal, node, index, time }: LetterHeader): string {
  const parts = [safe(source), String(ordinal).padStart(10, '0'), safe(node), ...(index > 0 ? [String(index)] : [])];
  return `${parts.join('-')}-${time.replace(/[^0-9TZ]/g, '')}${LETTER_SUFFIX}`;
}
