import { type ErrorCode, formatPlace, MillraceError, type Place } from '../errors/errors.js';
import { redact, redactData } from '../errors/secrets.js';

/** One thing that is wrong with a pipeline. */
export interface ConfigIssue {
  readonly code: ErrorCode;
  readonly message: string;
  readonly place: Place;
}

/**
 * Everything that is wrong with a pipeline, in the order of the file. `code` and `place` are those of the first issue;
 * the message has one line an issue, `file:line:column: message [code]`.
 */
export class ConfigError extends MillraceError {
  readonly errors: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    const errors = [...issues]
      .sort(byPlace)
      .map(({ code, message, place }) => ({ code, message: redact(message), place: redactData(place) }));
    const first = errors[0] ?? { code: 'ERR_CONFIG_INVALID', message: 'the pipeline is wrong', place: {} };
    super(first.code, errors.map(formatIssue).join('\n'), { place: first.place });
    this.name = 'ConfigError';
    this.errors = errors;
  }
}

/** `file:line:column: message [code]`; without a file, the path of keys replaces it. */
export function formatIssue({ code, message, place }: Omit<ConfigIssue, 'code'> & { readonly code: string }): string {
  const where = [formatPlace(place), place.file === undefined ? place.path : undefined].filter((part) => part).join(': ');
  return `${where ? `${where}: ` : ''}${message} [${code}]`;
}

function byPlace(a: ConfigIssue, b: ConfigIssue): number {
  return (a.place.line ?? Infinity) - (b.place.line ?? Infinity) || (a.place.column ?? 0) - (b.place.column ?? 0) || 0;
}
