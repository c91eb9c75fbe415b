/**
 * Microseconds since the start of the machine's monotonic clock. `performance.now()` starts at another moment in every
 * thread, so its offset is taken once; `process.hrtime` itself would allocate at every call.
 */
export function createClock(): () => number {
  const [seconds, nanoseconds] = process.hrtime();
  const offsetUs = seconds * 1e6 + nanoseconds / 1e3 - performance.now() * 1e3;
  return () => performance.now() * 1e3 + offsetUs;
}
