/**
 * Memory of the caller for large incoming frames. The kernel reads into it, so it may be a view of shared memory. Each
 * piece that `take` returned ends in a message, as that very object among its parts, or in `abandoned`. If the thread
 * can be terminated from outside: until the end of the turn of the event loop that filled a piece, the handle of the
 * stream keeps its address, and a thread that is terminated within the turn may continue to read into it.
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
