import { setTimeout as sleep } from 'node:timers/promises';
import { fnv1a32 } from '../codecs/fnv1a.js';
import { MillraceError } from '../errors/errors.js';
import type { Frame } from '../frame/frame.js';
import type { Delivery, Egress, EgressContext, EgressDefinition } from './egress.js';

export interface NullEgressOptions {
  /** Time spent on each frame. */
  readonly delayMs?: number;
  /** After this number of frames the sink stalls for `stallMs`, once. */
  readonly stallAfter?: number;
  readonly stallMs?: number;
  /** Check the checksum that the pattern `counter` of the source `sim` writes. */
  readonly checksum?: boolean;
}

const CHECKSUM_BYTES = 4;

/** Takes every frame and discards it: for benchmarks, and to simulate a slow or stalled sink. */
export const nullEgress: EgressDefinition<NullEgressOptions> = {
  type: 'null',
  description: 'Takes frames and discards them; can be slow, stall, or verify checksums.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: counter, shape: [64, 64], frames: 1000 }
sinks:
  nothing: { type: "null", from: detector, checksum: true }`,
    errors: {
      ERR_SINK: 'the run is aborted while the sink stalls',
    },
  },
  usesCodec: false,
  restarts: true,
  batch: 64,
  options: {
    type: 'object',
    additionalProperties: false,
    properties: {
      delayMs: { type: 'number', minimum: 0, default: 0, description: 'time that the sink takes for each frame' },
      stallAfter: { type: 'integer', minimum: 0, default: 0, description: 'number of frames before the stall' },
      stallMs: { type: 'number', minimum: 0, default: 0, description: 'duration of the stall, which happens once' },
      checksum: { type: 'boolean', default: false, description: 'verify the checksum of pattern `counter` of source `sim`' },
    },
  },
  create: (options, context) => new NullEgress(options, context),
};

class NullEgress implements Egress {
  readonly #options: NullEgressOptions;
  readonly #context: EgressContext;
  #frames = 0;
  #stalled = false;

  constructor(options: NullEgressOptions, context: EgressContext) {
    this.#options = options;
    this.#context = context;
  }

  async open(): Promise<void> {}

  write(frames: readonly Frame[]): Promise<Delivery | undefined> | Delivery | undefined {
    const { delayMs = 0, stallMs = 0, stallAfter = 0 } = this.#options;
    let waitMs = delayMs * frames.length;
    let stallsMs = 0;
    this.#frames += frames.length;
    if (stallMs > 0 && !this.#stalled && this.#frames > stallAfter) {
      this.#stalled = true;
      stallsMs = stallMs;
      waitMs += stallMs;
    }
    if (waitMs === 0) return this.#verify(frames);
    return this.#wait(waitMs, stallsMs).then(() => this.#verify(frames));
  }

  async close(): Promise<void> {}

  async #wait(waitMs: number, stallsMs: number): Promise<void> {
    const { signal, name } = this.#context;
    try {
      await sleep(waitMs, undefined, { signal });
    } catch (error) {
      throw new MillraceError('ERR_SINK', `${name}: given up during its stall`, { cause: error });
    }
    if (stallsMs > 0) this.#context.outage(stallsMs);
  }

  #verify(frames: readonly Frame[]): Delivery | undefined {
    if (!this.#options.checksum) return undefined;
    const refused: { index: number; reason: 'sink-refused'; detail: string }[] = [];
    frames.forEach((frame, index) => {
      const detail = checksumFault(frame.bytes);
      if (detail !== undefined) refused.push({ index, reason: 'sink-refused', detail });
    });
    return refused.length > 0 ? { refused } : undefined;
  }
}

/**
 * Checks a payload of the pattern `counter`: its last four bytes are, little-endian, the FNV-1a hash of all bytes
 * before them.
 */
function checksumFault(bytes: Uint8Array): string | undefined {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < 0) return `${bytes.length} bytes are too few for a checksum`;
  const found = (bytes[end]! | (bytes[end + 1]! << 8) | (bytes[end + 2]! << 16) | (bytes[end + 3]! << 24)) >>> 0;
  const expected = fnv1a32(bytes, 0, end);
  return found === expected ? undefined : `the checksum is ${found.toString(16)}, but the bytes give ${expected.toString(16)}`;
}
