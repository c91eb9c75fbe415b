import { nestedItems } from '../../codecs/json.js';
import type { Frame } from '../../frame/frame.js';

/**
 * One line of JSON for a frame, without the line end: sequence, ordinal, source, timestamp (seconds, null if unknown),
 * shape, dtype, meta and, on request, the nested data. Escapes all control characters, including those that JSON
 * allows: a terminal may show the line.
 */
export function frameLine(frame: Frame, withData: boolean): string {
  const { sequence, ordinal, source, timestamp, shape, dtype, meta } = frame;
  const line = JSON.stringify({
    sequence,
    ordinal,
    source,
    timestamp: Number.isFinite(timestamp) ? timestamp : null,
    shape,
    dtype,
    meta,
    ...(withData && { data: nestedItems(frame.data, shape) }),
  });
  return escapeControls(line);
}

/** Delete, the C1 controls and the two line separators of Unicode, as JSON escapes. */
export function escapeControls(text: string): string {
  return text.replace(/[\x7f-\x9f\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
