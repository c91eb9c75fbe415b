import { Packr, Unpackr } from 'msgpackr';
import type { Codec } from './codec.js';
import { itemBytes } from './item-bytes.js';
import { withWords } from './lenient-json.js';
import { headerFields, MAX_HEADER_BYTES, malformed, onePart, readHeader } from './message-header.js';
import { scanMessagePack } from './msgpack-scan.js';

const NAME = 'msgpack';
const DATA_KEY = Buffer.from([0xa4, ...Buffer.from('data')]);
const BIN_32 = 0xc6;

// No records and no extension types: every MessagePack reader can read the result.
const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' });

/**
 * One part: a MessagePack map with the keys of array-1.0, and `data` as `bin`, last. No extension types, so that
 * `msgpack.unpackb` of Python reads it without options. Integers beyond 2^53 in keys that are passed on are rounded, as
 * in JSON.
 */
export const msgpack: Codec = {
  name: NAME,
  clients: ['msgpackr'],
  description: 'One part: a MessagePack map with the keys of array-1.0 and the values as `data`.',
  docs: {
    text: `\`data\` is of type \`bin\` and comes last. There are no extension types, so \`msgpack.unpackb\` in Python reads a
message without options. Whole numbers beyond 2^53 in other keys are rounded, as in JSON.`,
  },

  decode(parts) {
    const message = onePart(NAME, parts);
    scanMessagePack(NAME, message);
    let fields: unknown;
    try {
      // `bin` values alias the message, as `decode` allows.
      fields = unpackr.unpack(message);
    } catch (error) {
      throw malformed(NAME, 'the message cannot be unpacked', error);
    }
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields) || fields instanceof Uint8Array) {
      throw malformed(NAME, 'the message is not a map');
    }
    const { data } = fields as { data?: unknown };
    if (!(data instanceof Uint8Array)) throw malformed(NAME, 'data is not bin');
    if (message.length - data.length > MAX_HEADER_BYTES) throw malformed(NAME, `the keys exceed ${MAX_HEADER_BYTES} bytes`);
    const header = readHeader(NAME, fields as Record<string, unknown>);
    if (header.meta) withWords(header.meta);
    const { dtype, shape, sequence, timestamp, meta } = header;
    return { dtype, shape, sequence, timestamp, meta, data: itemBytes(NAME, header, data) };
  },

  encode(frame) {
    const fields = headerFields(frame);
    // The packer writes integers above 2^32 as floats, which Python does not accept as an index.
    if (frame.sequence > 0xffffffff) fields.frame = BigInt(frame.sequence);
    // The items are appended here: one exact allocation and one copy, whereas the packer would grow its pool by
    // doubling.
    const packed = packr.pack(fields);
    const entries = Object.keys(fields).length;
    const head = entries < 15 ? Buffer.from([0x80 | (entries + 1)]) : Buffer.from([0xde, (entries + 1) >> 8, (entries + 1) & 0xff]);
    const packedHead = packed[0]! === 0xde ? 3 : 1;
    const size = Buffer.alloc(5);
    size[0] = BIN_32;
    size.writeUInt32BE(frame.bytes.length, 1);
    return [Buffer.concat([head, packed.subarray(packedHead), DATA_KEY, size, frame.bytes])];
  },
};
