import { damaged } from './damaged.js';

/** An address that names nothing. */
export const UNDEFINED = -1;

/** Reads little-endian fields out of a piece of an HDF5 file; each is checked to be inside. */
export class StructureBytes {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  at = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  skip(lengthBytes: number): void {
    this.#need(lengthBytes);
    this.at += lengthBytes;
  }

  take(lengthBytes: number): Uint8Array {
    this.skip(lengthBytes);
    return this.bytes.subarray(this.at - lengthBytes, this.at);
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.at++]!;
  }

  u16(): number {
    this.skip(2);
    return this.#view.getUint16(this.at - 2, true);
  }

  u32(): number {
    this.skip(4);
    return this.#view.getUint32(this.at - 4, true);
  }

  /** An unsigned number of 1 to 8 bytes; Infinity for 8 bytes with all bits set ("undefined", "unlimited"). */
  unsigned(lengthBytes: number): number {
    const bytes = this.take(lengthBytes);
    let value = 0;
    let ones = true;
    for (let index = lengthBytes - 1; index >= 0; index--) {
      value = value * 256 + bytes[index]!;
      ones &&= bytes[index] === 255;
    }
    return ones && lengthBytes === 8 ? Number.POSITIVE_INFINITY : value;
  }

  /** A length or count, which must be a number that can be computed with. */
  length(lengthBytes: number): number {
    const value = this.unsigned(lengthBytes);
    if (!Number.isSafeInteger(value)) throw damaged(`${this.#what}: a length is out of range`);
    return value;
  }

  address(lengthBytes: number): number {
    const value = this.unsigned(lengthBytes);
    if (value === Number.POSITIVE_INFINITY) return UNDEFINED;
    if (!Number.isSafeInteger(value)) throw damaged(`${this.#what}: an address is out of range`);
    return value;
  }

  signature(text: string): void {
    const bytes = this.take(text.length);
    for (let index = 0; index < text.length; index++)
      if (bytes[index] !== text.charCodeAt(index)) throw damaged(`${this.#what}: the signature ${text} is missing`);
  }

  text(): string {
    const end = this.bytes.indexOf(0, this.at);
    if (end < 0) throw damaged(`${this.#what}: a text has no end`);
    const text = Buffer.from(this.take(end - this.at)).toString('utf8');
    this.at++;
    return text;
  }

  #need(lengthBytes: number): void {
    if (lengthBytes > this.left) throw damaged(`${this.#what}: ${lengthBytes} bytes are needed, ${this.left} are left`);
  }
}
