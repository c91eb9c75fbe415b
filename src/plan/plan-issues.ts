import { MillraceError } from '../errors/errors.js';
import { ConfigError, type ConfigIssue } from '../spec/config-error.js';

/**
 * Collects the mistakes of a pipeline that planning finds, so that all are reported at once. Errors that are no fault of the
 * configuration are thrown as they are.
 */
export class PlanIssues {
  readonly #errors: MillraceError[] = [];

  get areThere(): boolean {
    return this.#errors.length > 0;
  }

  add(error: MillraceError): void {
    this.#errors.push(error);
  }

  /** The result of `step`, or undefined when it threw a mistake of the configuration. */
  attempt<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (thrown) {
      this.#keep(thrown);
      return undefined;
    }
  }

  /** As `attempt`, for a step that is asynchronous. */
  async attemptAsync<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (thrown) {
      this.#keep(thrown);
      return undefined;
    }
  }

  /** Throws a single mistake unchanged, and several as one ConfigError that lists them in the order of the file. */
  throwIfAny(): void {
    const [first, ...others] = this.#errors;
    if (!first) return;
    if (others.length === 0) throw first;
    throw new ConfigError(this.#errors.flatMap(issuesOf));
  }

  #keep(thrown: unknown): void {
    if (!(thrown instanceof MillraceError)) throw thrown;
    this.#errors.push(thrown);
  }
}

function issuesOf(error: MillraceError): readonly ConfigIssue[] {
  if (error instanceof ConfigError) return error.errors;
  return [{ code: error.code, message: error.message, place: error.place ?? {} }];
}
