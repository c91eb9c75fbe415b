import { formatError } from '../file-bytes.js';

const BLOCK_MAGIC = [0x314159, 0x265359];
const END_MAGIC = [0x177245, 0x385090];
const MAX_CODE_BITS = 20;
const GROUP_SYMBOLS = 50;
const RUN_A = 0;
const RUN_B = 1;

/**
 * Unpacks bzip2 data of exactly `outputBytes` bytes, one stream or several; the checksum of each block is checked.
 * Throws ERR_FORMAT.
 */
export function decodeBzip2(input: Uint8Array, outputBytes: number): Uint8Array {
  const bits = new BitReader(input);
  const output = new Uint8Array(outputBytes);
  let written = 0;
  do {
    if (bits.take(8) !== 0x42 || bits.take(8) !== 0x5a || bits.take(8) !== 0x68) throw fail('the data does not begin as a bzip2 stream');
    const level = bits.take(8) - 0x30;
    if (level < 1 || level > 9) throw fail('the block size is not 1 to 9');
    for (;;) {
      const first = bits.take(24);
      const second = bits.take(24);
      if (first === END_MAGIC[0] && second === END_MAGIC[1]) break;
      if (first !== BLOCK_MAGIC[0] || second !== BLOCK_MAGIC[1]) throw fail('a block has no block header');
      written = decodeBlock(bits, level * 100_000, output, written);
    }
    bits.take(16);
    bits.take(16);
    bits.toByte();
  } while (bits.bytesLeft > 0);
  if (written !== outputBytes) throw fail(`the data unpack to ${written} bytes, but expected ${outputBytes}`);
  return output;
}

const fail = (what: string) => formatError('bzip2', what);

class BitReader {
  readonly #input: Uint8Array;
  #at = 0;
  #word = 0;
  #count = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
  }

  get bytesLeft(): number {
    return this.#input.length - this.#at;
  }

  /** At most 24 bits, the highest first. */
  take(count: number): number {
    while (this.#count < count) {
      if (this.#at >= this.#input.length) throw fail('the data is cut off');
      this.#word = ((this.#word & 0xffffff) << 8) | this.#input[this.#at++]!;
      this.#count += 8;
    }
    this.#count -= count;
    return (this.#word >>> this.#count) & (2 ** count - 1);
  }

  toByte(): void {
    this.#count = 0;
  }
}

/** One Huffman table: for each length, the first code and the index of its first symbol. */
interface Table {
  readonly shortest: number;
  readonly limit: Int32Array;
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
}

function makeTable(lengths: Uint8Array): Table {
  const counts = new Int32Array(MAX_CODE_BITS + 2);
  for (const length of lengths) counts[length]!++;
  const limit = new Int32Array(MAX_CODE_BITS + 1).fill(-1);
  const base = new Int32Array(MAX_CODE_BITS + 1);
  const symbols = new Uint16Array(lengths.length);
  let code = 0;
  let index = 0;
  let shortest = MAX_CODE_BITS;
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    if (counts[length]! > 0) shortest = Math.min(shortest, length);
    base[length] = index - code;
    for (let symbol = 0; symbol < lengths.length; symbol++) if (lengths[symbol] === length) symbols[index++] = symbol;
    code += counts[length]!;
    limit[length] = code - 1;
    code *= 2;
  }
  return { shortest, limit, base, symbols };
}

function nextSymbol(bits: BitReader, table: Table): number {
  let code = bits.take(table.shortest);
  for (let length = table.shortest; length <= MAX_CODE_BITS; length++, code = code * 2 + bits.take(1)) {
    if (code <= table.limit[length]!) {
      const index = table.base[length]! + code;
      if (index >= 0 && index < table.symbols.length) return table.symbols[index]!;
      break;
    }
  }
  throw fail('a code without a symbol');
}

function readTables(bits: BitReader, symbolCount: number): { tables: Table[]; selectors: Uint8Array } {
  const tableCount = bits.take(3);
  const selectorCount = bits.take(15);
  if (tableCount < 2 || tableCount > 6 || selectorCount === 0) throw fail(`${tableCount} tables and ${selectorCount} selectors`);
  const order = Array.from({ length: tableCount }, (_, index) => index);
  const selectors = new Uint8Array(selectorCount);
  for (let index = 0; index < selectorCount; index++) {
    let place = 0;
    while (bits.take(1) === 1) if (++place >= tableCount) throw fail('a selector refers to no table');
    const [table] = order.splice(place, 1);
    order.unshift(table!);
    selectors[index] = table!;
  }
  const tables: Table[] = [];
  for (let table = 0; table < tableCount; table++) {
    const lengths = new Uint8Array(symbolCount);
    let length = bits.take(5);
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      while (bits.take(1) === 1) {
        length += bits.take(1) === 0 ? 1 : -1;
        if (length < 1 || length > MAX_CODE_BITS) throw fail('a code length is out of range');
      }
      if (length < 1 || length > MAX_CODE_BITS) throw fail('a code length is out of range');
      lengths[symbol] = length;
    }
    tables.push(makeTable(lengths));
  }
  return { tables, selectors };
}

/** End of the output after the block. */
function decodeBlock(bits: BitReader, maxBytes: number, output: Uint8Array, start: number): number {
  const checksum = ((bits.take(16) << 16) | bits.take(16)) >>> 0;
  if (bits.take(1) === 1) throw fail('a randomised block (of bzip2 0.9) is not supported');
  const origin = bits.take(24);
  const used = bits.take(16);
  const alphabet = new Uint8Array(256);
  let letters = 0;
  for (let group = 0; group < 16; group++) {
    if (!(used & (0x8000 >> group))) continue;
    const members = bits.take(16);
    for (let member = 0; member < 16; member++) if (members & (0x8000 >> member)) alphabet[letters++] = group * 16 + member;
  }
  if (letters === 0) throw fail('a block uses no byte');
  const endOfBlock = letters + 1;
  const { tables, selectors } = readTables(bits, letters + 2);

  const last = new Uint32Array(maxBytes);
  const counts = new Uint32Array(256);
  let size = 0;
  let run = 0;
  let runStep = 1;
  for (let group = 0, left = 0, table = tables[0]!; ; left--) {
    if (left === 0) {
      if (group >= selectors.length) throw fail('the selectors end before the block');
      table = tables[selectors[group++]!]!;
      left = GROUP_SYMBOLS;
    }
    const symbol = nextSymbol(bits, table);
    if (symbol === RUN_A || symbol === RUN_B) {
      run += symbol === RUN_A ? runStep : 2 * runStep;
      runStep *= 2;
      if (run > maxBytes - size) throw fail('a run is longer than the block');
      continue;
    }
    if (run > 0) {
      last.fill(alphabet[0]!, size, size + run);
      counts[alphabet[0]!]! += run;
      size += run;
      run = 0;
    }
    runStep = 1;
    if (symbol === endOfBlock) break;
    if (size >= maxBytes) throw fail('a block exceeds the maximum length');
    const value = alphabet[symbol - 1]!;
    alphabet.copyWithin(1, 0, symbol - 1);
    alphabet[0] = value;
    counts[value]!++;
    last[size++] = value;
  }
  if (origin >= size) throw fail('the origin of a block is outside of it');

  // Reverses the Burrows-Wheeler transform: the upper 24 bits of each word become the index of its successor.
  for (let value = 0, sum = 0; value < 256; value++) {
    const count = counts[value]!;
    counts[value] = sum;
    sum += count;
  }
  for (let index = 0; index < size; index++) {
    const place = counts[last[index]! & 255]!++;
    last[place] = (last[place]! | (index << 8)) >>> 0;
  }

  let written = start;
  let crc = 0xffffffff;
  let previous = -1;
  let repeats = 0;
  let at = last[origin]! >>> 8;
  for (let index = 0; index < size; index++) {
    const value = last[at]! & 255;
    at = last[at]! >>> 8;
    // Four equal bytes are followed by the number of further repeats.
    const copies = repeats === 4 ? value : 1;
    const byte = repeats === 4 ? previous : value;
    if (copies > output.length - written) throw fail(`the data unpack to more than ${output.length} bytes`);
    for (let copy = 0; copy < copies; copy++) {
      output[written++] = byte;
      crc = (crc << 8) ^ CRC_TABLE[((crc >>> 24) ^ byte) & 255]!;
    }
    if (repeats === 4) {
      repeats = 0;
      previous = -1;
    } else {
      repeats = value === previous ? repeats + 1 : 1;
      previous = value;
    }
  }
  if (~crc >>> 0 !== checksum) throw fail('the checksum does not match the data');
  return written;
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, value) => {
  let crc = value << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});
