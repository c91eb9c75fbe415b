/** `1234567` as `1,234,567`; below 100, fractions show one decimal. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: Math.abs(count) < 100 ? 1 : 0 });
}

/** Decimal units, three digits. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['PB', 1e15],
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    // A value that rounds to 1000 of a unit becomes 1 of the next.
    if (bytes >= 0.9995 * size) return `${threeDigits(bytes / size)} ${unit}`;
  }
  return `${Math.round(bytes)} B`;
}

export function formatRate(bytesPerS: number): string {
  return `${formatBytes(bytesPerS)}/s`;
}

/** Below one frame per second: frames per minute. */
export function formatFrameRate(framesPerS: number): string {
  if (framesPerS > 0 && framesPerS < 1) return `${formatCount(framesPerS * 60)} frames/min`;
  return `${formatCount(framesPerS < 10 ? framesPerS : Math.round(framesPerS))} frames/s`;
}

export function formatDuration(seconds: number): string {
  if (seconds >= 99.995) return `${Math.round(seconds)} s`;
  if (seconds >= 0.9995) return `${seconds.toFixed(2)} s`;
  if (seconds >= 0.9995e-3) return `${threeDigits(seconds * 1e3)} ms`;
  return `${Math.round(seconds * 1e6)} us`;
}

function threeDigits(value: number): string {
  return value >= 999.5 ? String(Math.round(value)) : value.toPrecision(3);
}
