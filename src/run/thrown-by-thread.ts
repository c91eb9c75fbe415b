import type { ThreadError } from '../agents/thread/thread-messages.js';

/** What a thread threw that nothing caught: an error, or any other value, `null` too. */
export function thrownByThread(thrown: unknown): ThreadError {
  if (thrown instanceof Error) return { code: 'ERR_WORKER', message: thrown.message, stack: thrown.stack };
  const { message } = (thrown ?? {}) as { message?: unknown };
  const text = typeof message === 'string' ? message : String(thrown);
  return { code: 'ERR_WORKER', message: `it threw ${JSON.stringify(text)}` };
}
