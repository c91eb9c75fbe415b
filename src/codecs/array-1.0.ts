import { MillraceError } from '../errors/errors.js';
import type { Codec } from './codec.js';
import { itemBytes } from './item-bytes.js';
import {
  headerFields,
  MAX_HEADER_BYTES,
  malformed,
  parseJsonObject,
  readHeader,
  readSeriesMessage,
  seriesFields,
} from './message-header.js';

const NAME = 'array-1.0';

/** Whether bytes are valid text: other bytes are not a message of a series, and get their own reason for refusal. */
const mentions = (bytes: Uint8Array, text: string): boolean => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(text);

/**
 * PSI's array-1.0 in two parts: JSON `{"htype":"array-1.0","shape":[H,W],"type":"uint16","frame":N}` and the items, C order,
 * little-endian unless `endianess` says "big". `timestamp` is seconds since the Unix epoch; other keys travel in `meta`.
 * Of one part: `{"htype":"series-start-1.0","series":S,"expected":N,"meta":{...}}` and `"series-end-1.0"`, `meta` up to 8 KiB.
 * `type` may be any of numpy's names (`dtype-names.ts`), whose byte order goes before `endianess`'s absence; `dtype` is read
 * in its place, and `htype` may be missing then, as in pyzmq's recipe `send_array`.
 * Source of the definition: paulscherrerinstitute/mflow, handlers/array_1_0.py.
 */
export const array10: Codec = {
  name: NAME,
  description: 'Two parts: a JSON header and the values of the pixels, as PSI detectors send them.',
  docs: {
    text: `The first part is JSON, such as \`{"htype":"array-1.0","shape":[512,1024],"type":"uint16","frame":17}\`. The second
part has the values in C order. They are little-endian unless \`endianess\` is \`big\`. [Headers of
messages](pipeline.md#headers-of-messages) lists the keys.

A message of one part starts or ends a series:
\`{"htype":"series-start-1.0","series":"scan-7","expected":1000,"meta":{}}\` and
\`{"htype":"series-end-1.0","series":"scan-7"}\`. \`meta\` has at most 8 KiB.

The recipe \`send_array\` of pyzmq works as it is: \`dtype\` may replace \`type\`, and then \`htype\` may be missing.`,
  },
  bodyPart: 1,

  decode(parts) {
    if (parts.length !== 2) throw new MillraceError('ERR_MESSAGE_PARTS', `${NAME}: ${parts.length} parts, 2 expected`);
    const fields = parseJsonObject(NAME, parts[0]!, MAX_HEADER_BYTES);
    // pyzmq's recipe `send_array` sends only dtype and shape.
    if (fields.htype === undefined && fields.dtype === undefined) throw malformed(NAME, 'htype is missing');
    const header = readHeader(NAME, fields);
    const { dtype, shape, sequence, timestamp, meta } = header;
    return { dtype, shape, sequence, timestamp, meta, data: itemBytes(NAME, header, parts[1]!) };
  },

  encode(frame) {
    return [Buffer.from(JSON.stringify(headerFields(frame))), frame.bytes];
  },

  decodeSeries(parts) {
    return parts.length === 1 && mentions(parts[0]!, 'series-')
      ? readSeriesMessage(NAME, parseJsonObject(NAME, parts[0]!, MAX_HEADER_BYTES))
      : undefined;
  },

  encodeSeries(message) {
    return [Buffer.from(JSON.stringify(seriesFields(message)))];
  },
};
