/**
 * Memory of the caller for the large frames that come in. The kernel reads into it, so it may be a view over shared memory.
 * Each piece that `take` gave ends in a message, as that very object among its parts, or in `abandoned`. Where the thread may be
 * ended from outside: until the turn of the event loop is over in which it was filled, its address stands in the stream's handle,
 * and a thread that is ended then may read on to it before it is gone.
 */
export interface FrameMemory {
  /** Bodies from this length on are asked for; smaller ones are the transport's own. */
  readonly thresholdBytes: number;
  /**
   * Exactly `lengthBytes` bytes; undefined to let the transport allocate; null to wait: that peer is not read until
   * `resumeFrames()` of the socket.
   */
  take(lengthBytes: number, partIndex: number): Buffer | undefined | null;
  /** All of it was read; its message may still miss parts. */
  filled?(memory: Buffer): void;
  /** The transport writes no more into it, and it will be part of no message. */
  abandoned(memory: Buffer): void;
}
