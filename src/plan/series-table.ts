import { MillraceError } from '../errors/errors.js';
import type { ArenaViews } from '../frame/arena-views.js';
import type { Series, SeriesMessage } from '../frame/series.js';

/**
 * The series of a source that may have frames under way, in shared memory: what a worker or sink that meets a new series
 * reads. An entry is used again only by a series that begins after this one has closed, when no frame names it any more.
 *
 * entry: | index | bytes | JSON { id, expected, first, meta } in UTF-8 ... |
 */
export const SERIES_TABLE = { entries: 4, entryBytes: 8192 } as const;
const JSON_AT = 8;
const MAX_JSON_BYTES = SERIES_TABLE.entryBytes - JSON_AT;

const entryAt = (table: number, index: number): number => table + (index % SERIES_TABLE.entries) * SERIES_TABLE.entryBytes;

/** By the thread of the source. Throws ERR_MESSAGE_TOO_LARGE when the start is too long. */
export function writeSeries(arena: ArenaViews, table: number, index: number, { series, expected, first, meta }: SeriesMessage): void {
  const json = new TextEncoder().encode(JSON.stringify({ id: series, expected, first, meta }));
  if (json.length > MAX_JSON_BYTES)
    throw new MillraceError('ERR_MESSAGE_TOO_LARGE', `the start of a series has ${json.length} bytes of JSON, over ${MAX_JSON_BYTES}`);
  const entry = entryAt(table, index);
  arena.bytes.set(json, entry + JSON_AT);
  arena.words[(entry + 4) >>> 2] = json.length;
  arena.words[entry >>> 2] = index;
}

/** By a thread that holds a frame of the series. */
export function readSeries(arena: ArenaViews, table: number, source: string, index: number): Series {
  const entry = entryAt(table, index);
  const json = arena.bytes.slice(entry + JSON_AT, entry + JSON_AT + arena.words[(entry + 4) >>> 2]!);
  const { id, expected, first, meta } = JSON.parse(new TextDecoder().decode(json)) as Omit<Series, 'source' | 'index'>;
  return {
    source,
    index,
    id,
    ...(expected === undefined ? {} : { expected }),
    ...(first === undefined ? {} : { first }),
    meta: meta ?? {},
  };
}

/** The highest number of a series that a source has written down; 0: it had none. */
export function lastSeries(words: Int32Array, table: number): number {
  let last = 0;
  for (let index = 0; index < SERIES_TABLE.entries; index++) last = Math.max(last, words[entryAt(table, index) >>> 2]!);
  return last;
}
