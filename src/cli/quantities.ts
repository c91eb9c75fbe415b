/** `1234567` as `1,234,567`; below 100 with one decimal where there are any. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US', { maximumFractionDigits: Math.abs(count) < 100 ? 1 : 0 });
}

/** Decimal units, three digits. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['kB', 1e3],
  ] as const) {
    if (bytes >= size) return `${(bytes / size).toPrecision(3)} ${unit}`;
  }
  return `${Math.round(bytes)} B`;
}

export function formatRate(bytesPerS: number): string {
  return `${(bytesPerS / 1e9).toFixed(3)} GB/s`;
}

export function formatDuration(seconds: number): string {
  if (seconds >= 100) return `${Math.round(seconds)} s`;
  if (seconds >= 1) return `${seconds.toFixed(2)} s`;
  if (seconds >= 1e-3) return `${(seconds * 1e3).toPrecision(3)} ms`;
  return `${Math.round(seconds * 1e6)} us`;
}
