import type { Progress } from '../observe/report.js';
import type { Output } from './output.js';
import { formatCount, formatFrameRate, formatRate } from './quantities.js';

/** A terminal gets one line that is overwritten, other output a line from time to time. */
const TTY_INTERVAL_MS = 250;
const PIPE_INTERVAL_MS = 30_000;
const SEPARATOR = ' | ';

export interface ProgressOptions {
  /** Time between two lines; `off`: none. */
  readonly seconds?: number | 'off' | undefined;
  /** Receives the counters instead of a line of text when there is no terminal. */
  readonly log?: ((fields: object, message: string) => void) | undefined;
}

/**
 * Frames and bytes per second since the last update, and the current counters. Omits whole fields that do not fit into
 * `columns`.
 */
export function progressLine(now: Progress, before: Progress, elapsedMs: number, columns = Number.POSITIVE_INFINITY): string {
  const { frames, bytes } = ratesOf(now, before, elapsedMs);
  // The most important ones have the lowest rank.
  const parts: [rank: number, text: string][] = [
    [0, formatFrameRate(frames)],
    [4, formatRate(bytes)],
    [1, `${formatCount(now.received)} received`],
    [3, `${formatCount(now.delivered)} delivered`],
    [5, `${formatCount(now.dropped)} dropped`],
    ...(now.dead > 0 ? [[2, `${formatCount(now.dead)} dead`] as [number, string]] : []),
    [6, `queue ${formatCount(now.queueDepth)}`],
    [7, `in flight ${formatCount(now.inFlight)}`],
    ...(now.waiting ?? []).map(({ node, addresses }): [number, string] => [2, `${node} is waiting for ${addresses.join(', ')}`]),
  ];
  let width = -SEPARATOR.length;
  const chosen = new Set<string>();
  for (const [, text] of [...parts].sort(([a], [b]) => a - b)) {
    if (width + SEPARATOR.length + text.length > columns) continue;
    width += SEPARATOR.length + text.length;
    chosen.add(text);
  }
  return parts
    .map(([, text]) => text)
    .filter((text) => chosen.has(text))
    .join(SEPARATOR);
}

function ratesOf(now: Progress, before: Progress, elapsedMs: number): { frames: number; bytes: number } {
  const perSecond = (difference: number): number => (elapsedMs > 0 ? (difference * 1000) / elapsedMs : 0);
  return { frames: perSecond(now.received - before.received), bytes: perSecond(now.bytes - before.bytes) };
}

/** Shows the progress until the returned function is called. */
export function showProgress(read: () => Progress, output: Output, { seconds, log }: ProgressOptions = {}): () => void {
  if (seconds === 'off') return () => {};
  let before = read();
  let beforeMs = performance.now();
  const timer = setInterval(
    () => {
      const now = read();
      const nowMs = performance.now();
      const elapsedMs = nowMs - beforeMs;
      if (output.isTty) output.raw(`\r\u001b[K${progressLine(now, before, elapsedMs, output.columns - 1)}`);
      else if (log) {
        const { frames, bytes } = ratesOf(now, before, elapsedMs);
        log({ ...now, framesPerS: Math.round(frames * 10) / 10, bytesPerS: Math.round(bytes) }, 'progress');
      } else output.err(progressLine(now, before, elapsedMs));
      before = now;
      beforeMs = nowMs;
    },
    seconds !== undefined ? seconds * 1000 : output.isTty ? TTY_INTERVAL_MS : PIPE_INTERVAL_MS,
  );
  return () => {
    clearInterval(timer);
    if (output.isTty) output.raw('\r\u001b[K');
  };
}
