import { MillraceError } from '../../errors/errors.js';
import type { FrameMemory } from './frame-memory.js';
import type { Limits } from './limits.js';

// The cost of a part in addition to its bytes, so that a message of a million empty parts counts as large.
const PART_OVERHEAD_BYTES = 64;

export interface MessageOwner {
  message(parts: Buffer[], bytes: number): void;
  /** A message over `maxMessageBytes`, of at least that many bytes. True: read past it. False: the connection ends. */
  oversized(bytes: number): boolean;
}

/** Gathers the frames of one message at a time, within its bounds. */
export class MessageAssembly {
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Memory of the caller among the parts, to be given up if the message never ends. */
  #borrowed: Buffer[] = [];
  #underWay: Buffer | undefined;
  /** The current message exceeds its limit: its parts are skipped. */
  #isRefused = false;
  #refusedParts = 0;
  #heldBytes = 0;

  constructor(
    private readonly limits: Limits,
    private readonly frames: FrameMemory | undefined,
    private readonly owner: MessageOwner,
  ) {}

  /** Bytes of the transport's own memory that the unfinished message holds. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Before anything is allocated for the frame.
   * @returns false when the frame belongs to a message that is read past
   * @throws ERR_PEER_LIMIT
   */
  admit(more: boolean, lengthBytes: number): boolean {
    if (this.#parts.length + this.#refusedParts >= this.limits.maxParts) {
      throw new MillraceError('ERR_PEER_LIMIT', `a message of more than ${this.limits.maxParts} parts`);
    }
    if (this.#isRefused) return this.#refuse(more);
    const total = this.#bytes + lengthBytes + PART_OVERHEAD_BYTES;
    if (total - PART_OVERHEAD_BYTES > this.limits.maxMessageBytes) {
      if (this.owner.oversized(total)) return this.#refuse(more);
      throw new MillraceError('ERR_PEER_LIMIT', `a message of ${total} bytes or more, ${this.limits.maxMessageBytes} are allowed`);
    }
    this.#bytes = total;
    return true;
  }

  #refuse(more: boolean): false {
    this.abandon();
    this.#isRefused = more;
    this.#refusedParts = more ? this.#refusedParts + 1 : 0;
    return false;
  }

  whole(more: boolean, bytes: Buffer, start: number, end: number): boolean {
    if (this.frames !== undefined && end - start >= this.frames.thresholdBytes) return false;
    const body = Buffer.allocUnsafe(end - start);
    bytes.copy(body, 0, start, end);
    this.#heldBytes += body.length + PART_OVERHEAD_BYTES;
    this.#add(more, body);
    return true;
  }

  memory(lengthBytes: number): Buffer | undefined {
    const frames = this.frames;
    if (frames !== undefined && lengthBytes >= frames.thresholdBytes) {
      const taken = frames.take(lengthBytes, this.#parts.length);
      if (taken === null) return undefined;
      if (taken !== undefined) {
        this.#underWay = taken;
        return taken;
      }
    }
    this.#heldBytes += lengthBytes + PART_OVERHEAD_BYTES;
    return Buffer.allocUnsafeSlow(lengthBytes);
  }

  filled(more: boolean, memory: Buffer): void {
    if (memory === this.#underWay) {
      this.#underWay = undefined;
      this.#borrowed.push(memory);
      this.frames!.filled?.(memory);
    }
    this.#add(more, memory);
  }

  /** The current message will not be complete: borrowed memory is returned. */
  abandon(): void {
    const borrowed = this.#borrowed;
    this.#borrowed = [];
    this.#parts = [];
    this.#bytes = 0;
    this.#heldBytes = 0;
    for (const memory of borrowed) this.frames!.abandoned(memory);
    const underWay = this.#underWay;
    this.#underWay = undefined;
    if (underWay !== undefined) this.frames!.abandoned(underWay);
  }

  #add(more: boolean, body: Buffer): void {
    this.#parts.push(body);
    if (more) return;
    const parts = this.#parts;
    const bytes = this.#bytes;
    this.#parts = [];
    this.#bytes = 0;
    this.#heldBytes = 0;
    if (this.#borrowed.length > 0) this.#borrowed = [];
    this.owner.message(parts, bytes);
  }
}
