import { checkedByteLength } from '../codecs/file-bytes.js';
import { MillraceError } from '../errors/errors.js';
import { isDType } from '../frame/dtype.js';
import type { Meta } from '../frame/frame.js';
import { LETTER_VERSION, type LetterHeader } from './letter.js';
import { PlainMsgpack } from './plain-msgpack.js';

const MAX_NAME_LENGTH = 256;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

type Fields = Readonly<Record<string, unknown>>;

/**
 * The header of a letter, fully checked, and the offset of its data. `fileBytes` is the length of the whole file: the
 * data must end exactly there. Throws ERR_FORMAT; every word of the file is untrusted until checked.
 */
export function decodeLetter(beginning: Uint8Array, fileBytes: number): { readonly header: LetterHeader; readonly dataOffset: number } {
  const reader = new PlainMsgpack(beginning);
  const entries = reader.mapSize();
  const fields: Record<string, unknown> = Object.create(null);
  let dataBytes: number | undefined;
  for (let i = 0; i < entries; i++) {
    const key = reader.text();
    if (key in fields) throw refuse(`the key ${JSON.stringify(key.slice(0, 40))} occurs twice`);
    if (key === 'data') {
      if (i !== entries - 1) throw refuse('its data is not its last entry');
      dataBytes = reader.binLength();
    } else fields[key] = reader.value();
  }
  if (dataBytes === undefined) throw refuse('it has no data');
  if (reader.at + dataBytes !== fileBytes) throw refuse(`it announces ${dataBytes} bytes of data, but ${fileBytes - reader.at} follow`);
  return { header: readHeader(fields, dataBytes), dataOffset: reader.at };
}

function readHeader(fields: Fields, dataBytes: number): LetterHeader {
  if (fields.version !== LETTER_VERSION) throw refuse(`its version is not ${LETTER_VERSION}`);
  const { dtype, shape, meta, stack, time, pipelineHash } = fields;
  if (!isDType(dtype)) throw refuse('its dtype is unknown');
  if (!Array.isArray(shape)) throw refuse('its shape is not a list');
  const lengthBytes = checkedByteLength(dtype, shape);
  if (typeof lengthBytes === 'string') throw refuse(lengthBytes);
  if (lengthBytes !== dataBytes) throw refuse(`${dtype} [${shape.join(', ')}] needs ${lengthBytes} bytes, but its data has ${dataBytes}`);
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) throw refuse('its meta is not a map');
  if (stack !== null && typeof stack !== 'string') throw refuse('its stack is not text');
  if (typeof time !== 'string' || !TIME.test(time) || Number.isNaN(Date.parse(time))) throw refuse('its time is not ISO 8601 in UTC');
  if (typeof pipelineHash !== 'string' || !/^[0-9a-f]{64}$/.test(pipelineHash)) throw refuse('its pipelineHash is not a SHA-256');
  return {
    pipeline: name(fields, 'pipeline'),
    pipelineHash,
    source: name(fields, 'source'),
    ordinal: count(fields, 'ordinal', 0, 0xff_ff_ff_ff),
    index: count(fields, 'index', 0, 0xff_ff),
    sequence: numberOrNone(fields, 'sequence'),
    timestamp: numberOrNone(fields, 'timestamp'),
    dtype,
    shape: shape.map((side: number) => side + 0),
    meta: meta as Meta,
    node: name(fields, 'node'),
    outcome: name(fields, 'outcome'),
    code: name(fields, 'code'),
    message: text(fields, 'message'),
    stack: stack ?? undefined,
    attempts: count(fields, 'attempts', 1, 0x7f_ff_ff_ff),
    time,
  };
}

const refuse = (detail: string): MillraceError => new MillraceError('ERR_FORMAT', detail);

function text(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== 'string') throw refuse(`its ${key} is not text`);
  return value;
}

function name(fields: Fields, key: string): string {
  const value = text(fields, key);
  if (value === '' || value.length > MAX_NAME_LENGTH) throw refuse(`its ${key} has ${value.length} characters`);
  return value;
}

function count(fields: Fields, key: string, least: number, most: number): number {
  const value = fields[key];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most)
    throw refuse(`its ${key} is not an integer from ${least} to ${most}`);
  return value + 0;
}

function numberOrNone(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  if (value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw refuse(`its ${key} is not a number`);
  return value;
}
