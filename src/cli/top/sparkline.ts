const BLOCKS = [...'▁▂▃▄▅▆▇█'];
/** For terminals without block characters. */
const PLAIN = [...'_.:-=+*#'];

/**
 * Values as a row of characters, from the lowest (0, if none is negative) to the highest; a value that is not a number
 * is a space.
 */
export function sparkline(values: readonly number[], unicode: boolean): string {
  const steps = unicode ? BLOCKS : PLAIN;
  const finite = values.filter((value) => Number.isFinite(value));
  const least = Math.min(0, ...finite);
  const span = Math.max(0, ...finite) - least;
  return values
    .map((value) => {
      if (!Number.isFinite(value)) return ' ';
      const step = span > 0 ? Math.floor(((value - least) / span) * steps.length) : 0;
      return steps[Math.min(steps.length - 1, step)];
    })
    .join('');
}

/** A share from 0 to 1 as a bar of cells. */
export function bar(share: number, cells: number, unicode: boolean): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * cells);
  return (unicode ? '█' : '#').repeat(full) + (unicode ? '░' : '.').repeat(cells - full);
}
