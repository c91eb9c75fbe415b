import { Decompress } from 'fzstd';
import { formatError } from '../file-bytes.js';

const MAGIC = 0xfd2fb528;
/** The decoder allocates the window that the header requests: at most what the zstd tools accept without an option. */
const MAX_WINDOW_BYTES = 2 ** 27;

/** Unpacks one zstd frame of exactly `outputBytes` bytes. Throws ERR_FORMAT. */
export function decodeZstd(input: Uint8Array, outputBytes: number): Uint8Array {
  checkHeader(input, outputBytes);
  const output = new Uint8Array(outputBytes);
  let written = 0;
  const stream = new Decompress((part) => {
    if (part.length > outputBytes - written) throw formatError('zstd', `the data unpack to more than ${outputBytes} bytes`);
    output.set(part, written);
    written += part.length;
  });
  try {
    stream.push(input, true);
  } catch (error) {
    throw formatError('zstd', 'the data is damaged', error);
  }
  if (written !== outputBytes) throw formatError('zstd', `the data unpack to ${written} bytes, but expected ${outputBytes}`);
  return output;
}

/** Checks the header of RFC 8878, 3.1.1.1, before the decoder allocates memory for it. */
function checkHeader(input: Uint8Array, outputBytes: number): void {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (input.length < 6 || view.getUint32(0, true) !== MAGIC) throw formatError('zstd', 'the data does not begin as a zstd frame');
  const descriptor = input[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeFlag;
  const sizeAt = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  if (input.length < sizeAt + sizeBytes) throw formatError('zstd', 'the header is cut off');
  if (!singleSegment) {
    const window = input[5]!;
    const base = 2 ** (10 + (window >> 3));
    if (base + (base / 8) * (window & 7) > MAX_WINDOW_BYTES) throw formatError('zstd', `the window exceeds ${MAX_WINDOW_BYTES} bytes`);
  }
  if (sizeBytes === 0) return;
  let announced = 0;
  for (let index = sizeBytes - 1; index >= 0; index--) announced = announced * 256 + input[sizeAt + index]!;
  if (sizeBytes === 2) announced += 256;
  if (announced !== outputBytes) throw formatError('zstd', `${announced} bytes announced, but expected ${outputBytes}`);
}
