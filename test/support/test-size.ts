import { it, type TestOptions } from 'vitest';

/** Whether this is `npm run test:full`, where random tests and soaks run in their long form. */
export const isFull = process.env.MILLRACE_TEST_SIZE === 'full';

/** How many of something a test does: `knob` names the environment variable that overrides both. */
export const testSize = (knob: string, short: number, full: number): number => Number(process.env[knob] ?? (isFull ? full : short));

/** The title of a test that runs in `npm run test:full` alone: `it.skipIf(!isFull)(onlyFull('...'), ...)`. */
export const onlyFull = (title: string): string => (isFull ? title : `${title} (skipped, runs in npm run test:full)`);

/** One value for `npm test`, and one for the long form. */
export const sized = <T>(short: T, full: T): T => (isFull ? full : short);

/** A test of the long form alone: `itFull(title, options, test)`, as `it`. */
export const itFull = (title: string, ...rest: [TestOptions, () => unknown] | [() => unknown]): void => {
  const [options, run] = rest.length === 2 ? rest : [{}, rest[0]];
  it.skipIf(!isFull)(onlyFull(title), options, run);
};
