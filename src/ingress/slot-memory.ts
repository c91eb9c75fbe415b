import type { DecodedFrame } from '../codecs/codec.js';
import type { FrameMemory } from '../transports/zmtp/frame-memory.js';
import type { FrameWriter, LentSlot } from './ingress.js';

/** Smaller bodies come from the shared read buffer: reading one separately costs more than copying it. */
const THRESHOLD_BYTES = 16 * 1024;

/**
 * Lends a socket the slots of a source for the bodies of large messages, and finds the slot of a message again.
 *
 * A slot is committed in a later turn of the event loop than the turn that completed its body. Until that turn ends,
 * the handle of the stream holds the address. If the thread is terminated within the turn, the system continues to read
 * into that address, because nothing replaces it.
 */
export class SlotMemory implements FrameMemory {
  readonly thresholdBytes = THRESHOLD_BYTES;
  readonly #bodyPart: number;
  readonly #lent = new Map<Uint8Array, LentSlot>();
  #out: FrameWriter | undefined;
  #resume: () => void = () => {};
  #isWaiting = false;
  /** Completed in this turn, and a promise that resolves when the turn ends. */
  readonly #fresh = new Set<Uint8Array>();
  #turn: Promise<void> | undefined;

  /** `bodyPart`: number of the part that is the unmodified data of the frame. */
  constructor(bodyPart: number) {
    this.#bodyPart = bodyPart;
  }

  /** Until then every sender of a large body waits. `resume`: makes the socket ask again. */
  begin(out: FrameWriter, resume: () => void): void {
    this.#out = out;
    this.#resume = resume;
    resume();
  }

  take(lengthBytes: number, partIndex: number): Buffer | undefined | null {
    if (partIndex !== this.#bodyPart) return undefined;
    const lent = this.#out ? this.#out.lend?.(lengthBytes) : null;
    if (lent) {
      this.#lent.set(lent.bytes, lent);
      return lent.bytes;
    }
    if (lent === null && this.#out) this.#wait(this.#out);
    return lent;
  }

  filled(memory: Buffer): void {
    this.#lent.get(memory)?.arrived();
    this.#fresh.add(memory);
    this.#turn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#fresh.clear();
        this.#turn = undefined;
        resolve();
      });
    });
  }

  abandoned(memory: Buffer): void {
    const lent = this.#take(memory);
    if (lent) this.#giveBack(lent);
  }

  /** Writes a message as a frame: false when the writer takes no more. */
  write(frame: DecodedFrame, parts: readonly Uint8Array[], out: FrameWriter): Promise<boolean> | boolean {
    const lent = this.#lent.size > 0 ? this.#take(parts[this.#bodyPart]) : undefined;
    if (!lent) return out.write(frame, frame.data);
    if (frame.data === lent.bytes) return this.#fresh.has(lent.bytes) ? this.#turn!.then(() => lent.commit(frame)) : lent.commit(frame);
    this.#giveBack(lent); // The codec returned other memory.
    return out.write(frame, frame.data);
  }

  /** The message did not become a frame. */
  drop(parts: readonly Uint8Array[]): void {
    const lent = this.#lent.size > 0 ? this.#take(parts[this.#bodyPart]) : undefined;
    if (lent) this.#giveBack(lent);
  }

  #giveBack(lent: LentSlot): void {
    if (this.#fresh.has(lent.bytes)) void this.#turn!.then(() => lent.giveBack());
    else lent.giveBack();
  }

  #take(memory: Uint8Array | undefined): LentSlot | undefined {
    const lent = memory && this.#lent.get(memory);
    if (lent) this.#lent.delete(lent.bytes);
    return lent;
  }

  #wait(out: FrameWriter): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    void out.ready().then(() =>
      setImmediate(() => {
        this.#isWaiting = false;
        this.#resume();
      }),
    );
  }
}
