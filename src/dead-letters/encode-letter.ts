import { Packr } from 'msgpackr';
import { LETTER_VERSION, type Letter } from './letter.js';

// No records and no extension types: every MessagePack reader can read the result.
const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false });

const MAX_MESSAGE_LENGTH = 8192;
const MAX_STACK_LENGTH = 65_536;
/** Deeper values are kept as JSON text: packers and readers recurse. */
const MAX_META_LEVELS = 32;
const DATA_KEY = Buffer.from([0xa4, ...Buffer.from('data')]);
const BIN_32 = 0xc6;
const MAP_16 = 0xde;

/** The packer writes integers above 2^32 as floats, which Python does not accept as an index. */
const whole = (number: number): number | bigint => (Number.isSafeInteger(number) && number > 0xffffffff ? BigInt(number) : number);
const known = (number: number | undefined): number | null => (number !== undefined && Number.isFinite(number) ? number : null);

/** The pieces of a letter's file; the last piece is the data itself, not a copy. */
export function encodeLetter(letter: Letter): readonly [head: Uint8Array, data: Uint8Array] {
  const sequence = known(letter.sequence);
  const fields = {
    version: LETTER_VERSION,
    pipeline: letter.pipeline,
    pipelineHash: letter.pipelineHash,
    source: letter.source,
    ordinal: letter.ordinal,
    index: letter.index,
    sequence: sequence === null ? null : whole(sequence),
    timestamp: known(letter.timestamp),
    dtype: letter.dtype,
    shape: letter.shape.map(whole),
    meta: plain(letter.meta, MAX_META_LEVELS),
    node: letter.node,
    outcome: letter.outcome,
    code: letter.code,
    message: cut(letter.message, MAX_MESSAGE_LENGTH),
    stack: letter.stack === undefined ? null : cut(letter.stack, MAX_STACK_LENGTH),
    attempts: letter.attempts,
    time: letter.time,
  };
  const packed = packr.pack(fields);
  const entries = Object.keys(fields).length + 1;
  const packedHead = packed[0] === MAP_16 ? 3 : 1;
  const size = Buffer.alloc(5);
  size[0] = BIN_32;
  size.writeUInt32BE(letter.data.length, 1);
  const map = Buffer.from([MAP_16, entries >> 8, entries & 0xff]);
  return [Buffer.concat([map, packed.subarray(packedHead), DATA_KEY, size]), letter.data];
}

/**
 * Converts JSON values to a form that every reader accepts: integers stay integers, text is UTF-8, no key changes a
 * prototype.
 */
function plain(value: unknown, levels: number): unknown {
  if (typeof value === 'number') return whole(value);
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (levels === 0) return JSON.stringify(value).toWellFormed();
  if (Array.isArray(value)) return value.map((entry) => plain(entry, levels - 1));
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, entry]) => (key === '__proto__' ? [] : [[key.toWellFormed(), plain(entry, levels - 1)]])),
  );
}

/** Text is returned unchanged except lone surrogates, which UTF-8 cannot represent. */
function cut(text: string, length: number): string {
  return (text.length > length ? `${text.slice(0, length)}...` : text).toWellFormed();
}
