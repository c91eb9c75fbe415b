const SAMPLES = 20;

function hrtimeUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3;
}

/**
 * Microseconds on the machine's monotonic clock, the same in all threads. `performance.now()` starts at another moment in
 * every thread, so its offset is measured once (the first calls are slow: the tightest of several counts);
 * `process.hrtime` itself would allocate at every call.
 */
export function createClock(): () => number {
  let offsetUs = 0;
  let tightestUs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < SAMPLES; i++) {
    const before = hrtimeUs();
    const nowUs = performance.now() * 1e3;
    const after = hrtimeUs();
    if (after - before >= tightestUs) continue;
    tightestUs = after - before;
    offsetUs = (before + after) / 2 - nowUs;
  }
  return () => performance.now() * 1e3 + offsetUs;
}
