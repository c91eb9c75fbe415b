import { asMillraceError, type ErrorCode } from '../errors/errors.js';

/** Why a frame is dead. */
export interface Cause {
  readonly code: string;
  readonly message: string;
  readonly stack?: string | undefined;
}

const MAX_CAUSES = 8;

/** The description of an error, with the stacks of the error and of its causes. */
export function causeOf(thrown: unknown, code: ErrorCode): Cause {
  const { code: known, message } = asMillraceError(thrown, code);
  const stacks: string[] = [];
  for (let error = thrown; error instanceof Error && stacks.length < MAX_CAUSES; error = error.cause) stacks.push(String(error.stack));
  return { code: known, message, stack: stacks.length > 0 ? stacks.join('\ncaused by: ') : undefined };
}
