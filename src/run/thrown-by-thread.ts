import type { ThreadError } from '../agents/thread/thread-messages.js';

/** The value that a thread threw and that was not caught: an error, or any other value, including `null`. */
export function thrownByThread(thrown: unknown): ThreadError {
  if (thrown instanceof Error) return { code: 'ERR_WORKER', message: thrown.message, stack: thrown.stack };
  const { message } = (thrown ?? {}) as { message?: unknown };
  const text = typeof message === 'string' ? message : String(thrown);
  return { code: 'ERR_WORKER', message: `it threw ${JSON.stringify(text)}` };
}
