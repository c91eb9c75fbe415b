import { formatError } from '../file-bytes.js';
import { copyMatch } from './lz4-block.js';

const MAX_NEAR = 8191;

/** Unpacks BloscLZ, Blosc's own codec, into exactly all of `output`. Throws ERR_FORMAT. */
export function decodeBloscLz(input: Uint8Array, output: Uint8Array): void {
  let read = 0;
  let written = 0;
  const fail = (what: string) => formatError('blosclz', `${what} at byte ${read} of ${input.length}`);
  const next = (): number => {
    if (read >= input.length) throw fail('the data is cut off');
    return input[read++]!;
  };
  if (input.length === 0) throw fail('no data');
  // The upper bits of the first byte are not an instruction.
  let control = next() & 31;
  for (;;) {
    if (control >= 32) {
      let length = (control >> 5) - 1;
      let offset = (control & 31) << 8;
      if (length === 6) {
        let part: number;
        do {
          part = next();
          length += part;
        } while (part === 255);
      }
      const code = next();
      if (code === 255 && offset === 31 << 8) offset = MAX_NEAR + ((next() << 8) | next());
      else offset += code;
      offset += 1;
      length += 3;
      if (offset > written) throw fail(`the offset ${offset} points before the output`);
      if (length > output.length - written) throw fail(`a match of ${length} bytes does not fit`);
      copyMatch(output, written, offset, length);
      written += length;
    } else {
      const literals = control + 1;
      if (literals > input.length - read || literals > output.length - written) throw fail(`${literals} literal bytes do not fit`);
      for (let index = 0; index < literals; index++) output[written++] = input[read++]!;
    }
    if (read >= input.length) break;
    control = input[read++]!;
  }
  if (written !== output.length) throw fail(`the data unpack to ${written} bytes, but expected ${output.length}`);
}
