import { afterAwake } from './awake-clock.js';

/** The promise's value, or undefined once the process has been awake for this long. */
export async function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let cancel = (): void => {};
  const late = new Promise<undefined>((resolve) => {
    cancel = afterAwake(ms, () => resolve(undefined));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}
