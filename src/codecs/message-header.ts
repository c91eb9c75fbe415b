import { MillraceError } from '../errors/errors.js';
import { type DType, isDType } from '../frame/dtype.js';
import type { Frame, Meta } from '../frame/frame.js';
import type { SeriesMessage } from '../frame/series.js';
import { DTYPE_NAMES_TAKEN, type NamedDType, readDTypeName } from './dtype-names.js';
import { checkedByteLength } from './file-bytes.js';
import { parseLenientJson } from './lenient-json.js';

/**
 * Maximum bytes of the JSON part of a message: several times the room in a slot, for any escaping. Parsing a megabyte
 * of small objects takes tens of milliseconds, which would delay the frames of other senders.
 */
export const MAX_HEADER_BYTES = 1 << 16;
/** Maximum nesting of a key that is passed on. Deeper values would overflow the stack of a later writer. */
export const MAX_META_DEPTH = 32;

/**
 * The keys that Millrace interprets; all others are passed on in `meta`. `endianess` is spelled as in PSI's array-1.0
 * (mflow, handlers/array_1_0.py).
 */
const STANDARD_KEYS: ReadonlySet<string> = new Set([
  'htype',
  'shape',
  'type',
  // Spelled as in pyzmq's recipe `send_array`.
  'dtype',
  'frame',
  'timestamp',
  'endianess',
  'endianness',
  'encoding',
  'data',
]);
const HTYPE = 'array-1.0';

export interface MessageHeader {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly sequence?: number;
  /** Seconds since the Unix epoch. */
  readonly timestamp?: number;
  readonly meta?: Meta;
  readonly bigEndian: boolean;
  /** Exact number of bytes of the items. */
  readonly lengthBytes: number;
}

export const malformed = (codec: string, detail: string, cause?: unknown): MillraceError =>
  new MillraceError('ERR_MESSAGE_MALFORMED', `${codec}: ${detail}`, cause === undefined ? undefined : { cause });

export function onePart(codec: string, parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length !== 1) throw new MillraceError('ERR_MESSAGE_PARTS', `${codec}: ${parts.length} parts, 1 expected`);
  return parts[0]!;
}

/** A JSON object out of bytes, or ERR_MESSAGE_MALFORMED. */
export function parseJsonObject(codec: string, bytes: Uint8Array, maxBytes: number): Record<string, unknown> {
  if (bytes.length > maxBytes) throw malformed(codec, `a JSON part of ${bytes.length} bytes exceeds the limit of ${maxBytes}`);
  let value: unknown;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    value = JSON.parse(text);
  } catch (error) {
    value = parseAgain(codec, text, error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(codec, 'the header is not a JSON object');
  return value as Record<string, unknown>;
}

/** Headers that Python writes may contain NaN and Infinity. A time that is not a number counts as no time. */
function parseAgain(codec: string, text: string, error: unknown): unknown {
  let value: unknown;
  try {
    value = parseLenientJson(text);
  } catch {
    throw malformed(codec, 'the header is not JSON', error);
  }
  const fields = value as { timestamp?: unknown } | null;
  if (typeof fields === 'object' && fields?.timestamp === 'NaN') delete fields.timestamp;
  return value;
}

/** The checked keys of a message. No allocation depends on them. */
export function readHeader(codec: string, fields: Record<string, unknown>): MessageHeader {
  const { htype, shape, type = fields.dtype, frame, timestamp } = fields;
  if (htype !== undefined && htype !== HTYPE) throw malformed(codec, `htype is ${show(htype)}, expected "${HTYPE}"`);
  const named: NamedDType | undefined = isDType(type) ? { dtype: type } : readDTypeName(type);
  if (named === undefined) throw malformed(codec, `type is ${show(type)}: ${DTYPE_NAMES_TAKEN}`);
  const { dtype } = named;
  if (!Array.isArray(shape)) throw malformed(codec, 'shape is not a list');
  const lengthBytes = checkedByteLength(dtype, shape);
  if (typeof lengthBytes === 'string') throw malformed(codec, lengthBytes);
  if (frame != null && !(Number.isSafeInteger(frame) && (frame as number) >= 0)) throw malformed(codec, `frame is ${show(frame)}`);
  if (timestamp != null && !Number.isFinite(timestamp)) throw malformed(codec, `timestamp is ${show(timestamp)}, expected seconds`);
  const meta = readMeta(codec, fields);
  return {
    dtype,
    // Adding zero converts -0 to 0.
    shape: shape.map((side: number) => side + 0),
    bigEndian: isBigEndian(codec, fields, named.bigEndian),
    lengthBytes: lengthBytes + 0,
    ...(frame != null && { sequence: (frame as number) + 0 }),
    ...(timestamp != null && { timestamp: timestamp as number }),
    ...(meta && { meta }),
  };
}

const SERIES_HTYPES = { 'series-start-1.0': 'series-start', 'series-end-1.0': 'series-end' } as const;
const MAX_SERIES_ID_CHARACTERS = 200;

/** The start or end of a series; undefined for a message that is neither. */
export function readSeriesMessage(codec: string, fields: Record<string, unknown>): SeriesMessage | undefined {
  const { htype, series, expected, first, meta } = fields;
  if (typeof htype !== 'string' || !Object.hasOwn(SERIES_HTYPES, htype)) return undefined;
  const kind = SERIES_HTYPES[htype as keyof typeof SERIES_HTYPES];
  if (!isSeriesId(series)) throw malformed(codec, `series is ${show(series)}, expected a number or a short text`);
  if (expected != null && !(Number.isSafeInteger(expected) && (expected as number) >= 0))
    throw malformed(codec, `expected is ${show(expected)}, but must be a number of frames`);
  if (first != null && !(Number.isSafeInteger(first) && (first as number) >= 0))
    throw malformed(codec, `first is ${show(first)}, expected the number of a frame`);
  if (meta != null && !(typeof meta === 'object' && !Array.isArray(meta) && isHarmless(meta, MAX_META_DEPTH)))
    throw malformed(codec, `meta is ${show(meta)}, expected an object, nested at most ${MAX_META_DEPTH} deep`);
  return {
    kind,
    series,
    ...(expected != null && { expected: (expected as number) + 0 }),
    ...(first != null && { first: (first as number) + 0 }),
    ...(meta != null && { meta: meta as Meta }),
  };
}

export const isSeriesId = (id: unknown): id is string | number =>
  Number.isFinite(id) || (typeof id === 'string' && id.length <= MAX_SERIES_ID_CHARACTERS);

/** The keys of the message that starts or ends a series. */
export function seriesFields({ kind, series, expected, first, meta }: SeriesMessage): Record<string, unknown> {
  const fields: Record<string, unknown> = { htype: kind === 'series-start' ? 'series-start-1.0' : 'series-end-1.0', series };
  if (expected !== undefined) fields.expected = expected;
  if (first !== undefined) fields.first = first;
  if (meta !== undefined) fields.meta = meta;
  return fields;
}

/** `named` is the byte order in the name of the dtype. */
function isBigEndian(codec: string, fields: Record<string, unknown>, named: boolean | undefined): boolean {
  const order = fields.endianess ?? fields.endianness;
  if (order != null && order !== 'little' && order !== 'big')
    throw malformed(codec, `endianess is ${show(order)}, expected "little" or "big"`);
  const { encoding } = fields;
  if (encoding != null && encoding !== 'none' && encoding !== 'raw' && encoding !== '') {
    throw malformed(codec, `encoding is ${show(encoding)}, but this codec needs uncompressed items`);
  }
  if (named !== undefined && order != null && named !== (order === 'big'))
    throw malformed(codec, `endianess is "${order}", but type means ${named ? 'big' : 'little'}: omit one of them`);
  return named ?? order === 'big';
}

function readMeta(codec: string, fields: Record<string, unknown>): Meta | undefined {
  let meta: Record<string, unknown> | undefined;
  for (const key of Object.keys(fields)) {
    if (STANDARD_KEYS.has(key) || key === '__proto__') continue;
    const value = fields[key];
    if (!isHarmless(value, MAX_META_DEPTH))
      throw malformed(codec, `the value of ${show(key)} is not JSON or is nested deeper than ${MAX_META_DEPTH}`);
    meta ??= {};
    meta[key] = value;
  }
  return meta;
}

/**
 * Valid JSON, not nested too deeply. Own keys named `__proto__` are removed: if a later reader assigned them, they
 * would change a prototype.
 */
function isHarmless(value: unknown, levels: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return true;
  if (typeof value !== 'object' || levels === 0) return false;
  if (Array.isArray(value)) return value.every((entry) => isHarmless(entry, levels - 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  Reflect.deleteProperty(value, '__proto__');
  return Object.values(value).every((entry) => isHarmless(entry, levels - 1));
}

/** The keys of a frame's message, in the order in which they are sent; `meta` never replaces a standard key. */
export function headerFields(frame: Frame): Record<string, unknown> {
  const fields: Record<string, unknown> = { htype: HTYPE, shape: frame.shape, type: frame.dtype, frame: frame.sequence };
  if (Number.isFinite(frame.timestamp)) fields.timestamp = frame.timestamp;
  if (frame.parameters) fields.parameters = frame.parameters;
  for (const key of Object.keys(frame.meta)) {
    if (STANDARD_KEYS.has(key) || key === '__proto__' || (key === 'parameters' && frame.parameters)) continue;
    fields[key] = frame.meta[key];
  }
  return fields;
}

/** An untrusted value for a message: short, and always printable. */
function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  if (value === undefined) return 'missing';
  return typeof value === 'object' && value !== null ? (Array.isArray(value) ? 'a list' : 'an object') : String(value);
}
