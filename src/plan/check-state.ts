import { MillraceError } from '../errors/errors.js';
import type { Prepared } from '../operators/operator.js';

/** What `prepare` hands to `create` goes to other threads. @throws ERR_CONFIG_INVALID where it cannot. */
export function checkState({ state }: Prepared, operator: string): void {
  try {
    structuredClone(state);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const text = `${operator}: the state that prepare() returns must be plain data, since it goes to other threads: ${reason}`;
    throw new MillraceError('ERR_CONFIG_INVALID', text, { cause });
  }
}
