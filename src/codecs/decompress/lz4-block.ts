import { formatError } from '../file-bytes.js';

const MIN_MATCH = 4;
const LONG_LENGTH = 15;

/**
 * Unpacks one LZ4 block into exactly all of `output`. Every length and offset is checked against both arrays.
 * Definition: lz4_Block_format.md of the LZ4 project. Throws ERR_FORMAT.
 */
export function decodeLz4Block(input: Uint8Array, output: Uint8Array): void {
  let read = 0;
  let written = 0;
  const fail = (what: string) =>
    formatError('lz4', `${what} at byte ${read} of ${input.length} (byte ${written} of ${output.length} of the output)`);

  /** The rest of a length that does not fit into its four bits. */
  const longLength = (): number => {
    let length = LONG_LENGTH;
    let part: number;
    do {
      if (read >= input.length) throw fail('a length is cut off');
      part = input[read++]!;
      length += part;
    } while (part === 255);
    return length;
  };

  while (read < input.length) {
    const token = input[read++]!;
    let literals = token >> 4;
    if (literals === LONG_LENGTH) literals = longLength();
    if (literals > input.length - read || literals > output.length - written) throw fail(`${literals} literal bytes do not fit`);
    if (literals > 32) output.set(input.subarray(read, read + literals), written);
    else for (let index = 0; index < literals; index++) output[written + index] = input[read + index]!;
    read += literals;
    written += literals;
    // The last sequence of a block contains only literals.
    if (read === input.length) break;

    if (read + 2 > input.length) throw fail('an offset is cut off');
    const offset = input[read]! | (input[read + 1]! << 8);
    read += 2;
    if (offset === 0 || offset > written) throw fail(`the offset ${offset} points before the output`);
    let length = token & 15;
    if (length === LONG_LENGTH) length = longLength();
    length += MIN_MATCH;
    if (length > output.length - written) throw fail(`a match of ${length} bytes does not fit`);
    copyMatch(output, written, offset, length);
    written += length;
  }
  if (written !== output.length) throw fail('the block ends early');
}

/** A match may overlap its output: it then repeats the last `offset` bytes. The caller has checked both. */
export function copyMatch(output: Uint8Array, at: number, offset: number, length: number): void {
  const from = at - offset;
  if (offset >= length) {
    if (length > 32) output.copyWithin(at, from, from + length);
    else for (let index = 0; index < length; index++) output[at + index] = output[from + index]!;
  } else if (offset === 1) {
    output.fill(output[from]!, at, at + length);
  } else {
    for (let index = 0; index < length; index++) output[at + index] = output[from + index]!;
  }
}
