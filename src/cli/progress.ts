import type { Progress } from '../observe/report.js';
import type { Output } from './output.js';
import { formatCount, formatRate } from './quantities.js';

/** A terminal gets one line that is written over, anything else a line every few seconds. */
const TTY_INTERVAL_MS = 250;
const PIPE_INTERVAL_MS = 5000;

/** Frames and bytes a second since the last look, and the counters as they stand. */
export function progressLine(now: Progress, before: Progress, elapsedMs: number): string {
  const perSecond = (difference: number): number => (elapsedMs > 0 ? (difference * 1000) / elapsedMs : 0);
  return [
    `${formatCount(Math.round(perSecond(now.received - before.received)))} frames/s`,
    formatRate(perSecond(now.bytes - before.bytes)),
    `${formatCount(now.received)} received`,
    `${formatCount(now.delivered)} delivered`,
    `${formatCount(now.dropped)} dropped`,
    ...(now.dead > 0 ? [`${formatCount(now.dead)} dead`] : []),
    `queue ${formatCount(now.queueDepth)}`,
    `in flight ${formatCount(now.inFlight)}`,
    ...(now.waiting ?? []).map(({ node, addresses }) => `${node} waits for ${addresses.join(', ')}`),
  ].join(' | ');
}

/** Shows the progress until the function that it returns is called. */
export function showProgress(read: () => Progress, output: Output): () => void {
  let before = read();
  let beforeMs = performance.now();
  const timer = setInterval(
    () => {
      const now = read();
      const nowMs = performance.now();
      const line = progressLine(now, before, nowMs - beforeMs);
      before = now;
      beforeMs = nowMs;
      if (output.isTty) output.raw(`\r\u001b[K${line.slice(0, Math.max(20, output.columns - 1))}`);
      else output.err(line);
    },
    output.isTty ? TTY_INTERVAL_MS : PIPE_INTERVAL_MS,
  );
  return () => {
    clearInterval(timer);
    if (output.isTty) output.raw('\r\u001b[K');
  };
}
