import { MillraceError } from '../../errors/errors.js';

/**
 * The greeting of ZMTP 3.x, and the part of it that identifies an older peer:
 *
 *     0     1..8      9     10     11     12..31      32         33..63
 *     FF    padding   7F    major  minor  mechanism   as-server  filler
 *
 * A peer of ZMTP 2.0 sends `FF .. 7F 01 socket-type`, one of ZMTP 1.0 anything else. The rest after the major version is sent
 * only when the peer's major version is known, since a peer of 2.0 takes the twelfth byte for a socket type.
 */
export const SIGNATURE_BYTES = 11;
export const GREETING_BYTES = 64;
const GREETING_2_BYTES = 12;
const MECHANISM_OFFSET = 12;
const MECHANISM_BYTES = 20;
const AS_SERVER_OFFSET = 32;

export interface Greeting {
  /** 2 for ZMTP 2.0, 3 for ZMTP 3.x. */
  readonly major: 2 | 3;
  readonly minor: number;
  /** Empty in ZMTP 2.0. */
  readonly mechanism: string;
  readonly asServer: boolean;
  /** The number of the socket type, in ZMTP 2.0 alone. */
  readonly socketTypeNumber: number;
}

/** What opens every connection: the signature and the major version. */
export function encodeSignature(): Buffer {
  return Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3]);
}

/** The 53 bytes after the signature for a peer of ZMTP 3.x. */
export function encodeGreetingRest(mechanism: string, asServer: boolean, minor = 1): Buffer {
  const rest = Buffer.alloc(GREETING_BYTES - SIGNATURE_BYTES);
  rest[0] = minor;
  rest.write(mechanism, MECHANISM_OFFSET - SIGNATURE_BYTES, MECHANISM_BYTES, 'latin1');
  rest[AS_SERVER_OFFSET - SIGNATURE_BYTES] = asServer ? 1 : 0;
  return rest;
}

/** Takes a greeting as it drips in; holds 64 bytes at most. */
export class GreetingReader {
  readonly #bytes = Buffer.alloc(GREETING_BYTES);
  #length = 0;
  #needed = SIGNATURE_BYTES;

  /** The major version that the peer announced, or 0 while it is not known. */
  get major(): 0 | 2 | 3 {
    if (this.#length < SIGNATURE_BYTES) return 0;
    return this.#bytes[10]! < 3 ? 2 : 3;
  }

  /** True when `take()` gives the greeting. */
  get complete(): boolean {
    return this.#needed > SIGNATURE_BYTES && this.#length === this.#needed;
  }

  /**
   * Reads up to the end of the greeting, and stops after the major version so that the caller can answer.
   * @returns the offset of the first byte that was not taken
   * @throws ERR_PEER_PROTOCOL for ZMTP 1.0 and whatever is not ZMTP
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    let offset = start;
    while (offset < end && this.#length < this.#needed) {
      this.#bytes[this.#length] = bytes[offset]!;
      this.#length += 1;
      offset += 1;
      this.#check();
    }
    return offset;
  }

  take(): Greeting {
    const bytes = this.#bytes;
    if (this.major === 2) return { major: 2, minor: 0, mechanism: '', asServer: false, socketTypeNumber: bytes[11]! };
    const field = bytes.subarray(MECHANISM_OFFSET, MECHANISM_OFFSET + MECHANISM_BYTES);
    const zero = field.indexOf(0);
    const mechanism = field.toString('latin1', 0, zero < 0 ? MECHANISM_BYTES : zero);
    return { major: 3, minor: bytes[11]!, mechanism, asServer: (bytes[AS_SERVER_OFFSET]! & 1) === 1, socketTypeNumber: -1 };
  }

  #check(): void {
    const bytes = this.#bytes;
    switch (this.#length) {
      case 1:
        if (bytes[0] !== 0xff) throw notZmtp(`its first byte is ${bytes[0]}`);
        return;
      case 10:
        // The lowest bit distinguishes a signature from the flags of a frame of ZMTP 1.0.
        if ((bytes[9]! & 1) === 0) throw notZmtp(`its tenth byte is ${bytes[9]}`);
        return;
      case SIGNATURE_BYTES:
        if (bytes[10] === 0) throw notZmtp('it announces revision 0');
        this.#needed = bytes[10]! < 3 ? GREETING_2_BYTES : GREETING_BYTES;
        return;
      default:
    }
  }
}

function notZmtp(why: string): MillraceError {
  return new MillraceError('ERR_PEER_PROTOCOL', `the peer speaks ZMTP 1.0 or no ZMTP at all: ${why}`);
}
