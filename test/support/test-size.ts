/** Whether this is `npm run test:full`, where random tests and soaks run in their long form. */
export const isFull = process.env.MILLRACE_TEST_SIZE === 'full';

/** How many of something a test does: `knob` names the environment variable that overrides both. */
export const testSize = (knob: string, short: number, full: number): number => Number(process.env[knob] ?? (isFull ? full : short));

/** The title of a test that runs in `npm run test:full` alone: `it.skipIf(!isFull)(onlyFull('...'), ...)`. */
export const onlyFull = (title: string): string => (isFull ? title : `${title} (skipped, runs in npm run test:full)`);
