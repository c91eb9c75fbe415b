const WORDS = ['NaN', 'Infinity', '-Infinity'] as const;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Parses JSON with the bare words NaN, Infinity and -Infinity, which Python's `json` writes: each becomes the text of
 * that name. Only for text that `JSON.parse` refused. Throws SyntaxError. One pass, so that the time is linear.
 */
export function parseLenientJson(text: string): unknown {
  let out = '';
  let copied = 0;
  let inText = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inText) {
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) inText = false;
      continue;
    }
    if (code === QUOTE) {
      inText = true;
      continue;
    }
    const word = WORDS.find((one) => code === one.charCodeAt(0) && text.startsWith(one, at));
    if (word === undefined || isKey(text, at + word.length)) continue;
    out += `${text.slice(copied, at)}"${word}"`;
    at += word.length - 1;
    copied = at + 1;
  }
  return JSON.parse(out + text.slice(copied));
}

/** Whether a word that ends here is the key of an object, where it is not a value and `JSON.parse` refuses it. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && ' \t\r\n'.includes(text[at]!)) at++;
  return text[at] === ':';
}

/** Whether a text is one of these words. */
export const isNonFiniteWord = (value: unknown): value is 'NaN' | 'Infinity' | '-Infinity' =>
  typeof value === 'string' && (WORDS as readonly string[]).includes(value);

/**
 * Converts a value of MessagePack to JSON values: numbers that are not finite become their words, as in
 * `parseLenientJson`.
 */
export function withWords(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) value[index] = withWords(value[index]);
    return value;
  }
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    const replaced = withWords(fields[key]);
    // Assigning to `__proto__` would change the prototype; such keys are removed later.
    if (replaced !== fields[key] && key !== '__proto__') fields[key] = replaced;
  }
  return value;
}
