/** What was given to a command of the benches. It ends the process here: with its usage for `--help`, with 2 for what it does not take. */
export function commandLine<T extends { readonly values: { readonly help?: boolean | undefined } }>(usage: string, parse: () => T): T {
  let found: T;
  try {
    found = parse();
  } catch (error) {
    return refuse(usage, error instanceof Error ? error.message : String(error));
  }
  if (!found.values.help) return found;
  console.log(`usage: ${usage}`);
  process.exit(0);
}

export function refuse(usage: string, why: string): never {
  console.error(`${why}\nusage: ${usage}`);
  process.exit(2);
}

/** A count that an option gives, `least` or more. */
export function countOf(usage: string, option: string, value: string, least = 1): number {
  const count = Number(value);
  return Number.isInteger(count) && count >= least ? count : refuse(usage, `--${option}: ${value} is not a whole number from ${least} on`);
}
