import { formatError } from '../file-bytes.js';
import { copyMatch } from './lz4-block.js';

/** Unpacks LZF (the HDF5 filter 32000, as h5py writes it) into exactly `outputBytes` bytes. Throws ERR_FORMAT. */
export function decodeLzf(input: Uint8Array, outputBytes: number): Uint8Array {
  const output = new Uint8Array(outputBytes);
  let read = 0;
  let written = 0;
  const fail = (what: string) => formatError('lzf', `${what} at byte ${read} of ${input.length}`);
  while (read < input.length) {
    const control = input[read++]!;
    if (control < 32) {
      const literals = control + 1;
      if (literals > input.length - read || literals > outputBytes - written) throw fail(`${literals} literal bytes do not fit`);
      for (let index = 0; index < literals; index++) output[written++] = input[read++]!;
      continue;
    }
    let length = control >> 5;
    if (length === 7) {
      if (read >= input.length) throw fail('a length is cut off');
      length += input[read++]!;
    }
    length += 2;
    if (read >= input.length) throw fail('an offset is cut off');
    const offset = ((control & 31) << 8) + input[read++]! + 1;
    if (offset > written) throw fail(`the offset ${offset} points before the output`);
    if (length > outputBytes - written) throw fail(`a match of ${length} bytes does not fit`);
    copyMatch(output, written, offset, length);
    written += length;
  }
  if (written !== outputBytes) throw fail(`the data unpack to ${written} bytes, but expected ${outputBytes}`);
  return output;
}
