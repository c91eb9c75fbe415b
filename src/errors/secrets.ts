/**
 * Collects the secrets that this thread knows and removes them from text. Configuration is searched for secrets before
 * any message about it is made. Every MillraceError and every log line of a pipeline is redacted by value, so that a
 * secret cannot appear in a message, whichever option is wrong.
 */

/** Keys whose values are secret, at any depth. */
const SECRET_KEY = /passw|passphrase|passwd|^pwd$|secret|token|credential|api-?_?key|private-?_?key|signature/i;
/** Keys whose values contain secrets among other things; a text in place of the map is a secret. */
const SECRET_MAP = /^(plain|curve|sasl|auth|login)$/i;
/** `user:password@` after `//`, or before a host. */
const USER_INFO = /(\/\/)[^\s/@'"]+@|(?<![^\s'"[({,=])[^\s/@'",:]+:[^\s/@'",]+@(?=[\w[.-])/g;
/**
 * Redacting a shorter value would remove single letters from messages; such a value is protected only by the name of
 * its key.
 */
const SHORTEST = 4;
/** A process that creates pipelines indefinitely, each with its own password, forgets the oldest. */
const MOST = 10_000;
const MASK = '***';

const known = new Set<string>();

export const isSecretKey = (key: string): boolean => SECRET_KEY.test(key);

/** Remembers one secret, in its plain form and as URLs and JSON write it. */
export function protectValue(value: unknown): void {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return;
  const text = String(value);
  if (text.length < SHORTEST) return;
  for (const form of [text, encodeURIComponent(text.toWellFormed()), JSON.stringify(text).slice(1, -1)]) known.add(form);
  while (known.size > MOST) known.delete(known.values().next().value!);
}

/** Remembers all secrets in configuration data, found by the names of their keys or as a part of an address. */
export function protectSecrets(data: unknown, isSecret = false): void {
  const seen = new Set<object>();
  const visit = (value: unknown, secret: boolean): void => {
    if (typeof value === 'object' && value !== null) {
      if (seen.has(value)) return;
      seen.add(value);
      if (Array.isArray(value)) for (const item of value) visit(item, secret);
      else for (const [key, item] of Object.entries(value)) visit(item, secret || isSecretOf(key, item));
      return;
    }
    if (secret) protectValue(value);
    else if (typeof value === 'string') protectAddress(value);
  };
  visit(data, isSecret);
}

/** The password of an address, which may be percent-encoded. */
function protectAddress(text: string): void {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@]*?:([^/?#@]+)@/i.exec(text)?.[1];
  if (password === undefined) return;
  protectValue(password);
  try {
    protectValue(decodeURIComponent(password));
  } catch {
    // Not percent-encoded: use it unchanged.
  }
}

const isSecretOf = (key: string, value: unknown): boolean =>
  isSecretKey(key) || (SECRET_MAP.test(key) && (typeof value !== 'object' || Array.isArray(value)));

/** The text without known secrets, and without user and password of addresses. */
export function redact(text: string): string {
  let safe = text;
  for (const secret of known) if (safe.includes(secret)) safe = safe.replaceAll(secret, MASK);
  return safe.includes('@') ? safe.replace(USER_INFO, `$1${MASK}@`) : safe;
}

/** Plain data with every text in it redacted. */
export function redactData<T>(data: T): T {
  if (typeof data === 'string') return redact(data) as T;
  if (typeof data === 'number' && known.has(String(data))) return MASK as T;
  if (Array.isArray(data)) return data.map(redactData) as T;
  if (typeof data !== 'object' || data === null || Object.getPrototypeOf(data) !== Object.prototype) return data;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, redactData(value)])) as T;
}
