import type { FrameHeader } from '../../src/frame/frame.js';
import type { FrameWriter, OpenSlot } from '../../src/ingress/ingress.js';

export interface Taken {
  readonly header: FrameHeader;
  readonly bytes: Uint8Array;
  readonly atMs: number;
}

/** Keeps what was committed; refuses every `busyEvery`th claim once, as a full pool does. */
export class KeepingWriter implements FrameWriter {
  startSeries = async (): Promise<boolean> => true;
  endSeries = async (): Promise<boolean> => true;
  readonly taken: Taken[] = [];
  readonly maxBytes: number;
  committed = 0;
  waits = 0;
  #claims = 0;
  readonly #buffer: SharedArrayBuffer;
  readonly #busyEvery: number;
  readonly #keep: boolean;
  readonly #onCommit: (() => void) | undefined;

  constructor(options: { maxBytes: number; busyEvery?: number; keep?: boolean; onCommit?: () => void }) {
    this.maxBytes = options.maxBytes;
    this.#buffer = new SharedArrayBuffer(options.maxBytes);
    this.#busyEvery = options.busyEvery ?? 0;
    this.#keep = options.keep ?? true;
    this.#onCommit = options.onCommit;
  }

  claim(header: FrameHeader): OpenSlot | undefined {
    if (this.#busyEvery > 0 && ++this.#claims % this.#busyEvery === 0) return undefined;
    const bytes = new Uint8Array(this.#buffer).fill(0xa5); // what stood in the slot before must be gone
    return {
      bytes,
      commit: () => {
        this.committed++;
        if (this.#keep) this.taken.push({ header: { ...header }, bytes: bytes.slice(), atMs: performance.now() });
        this.#onCommit?.();
        return undefined;
      },
      abort: () => undefined,
    };
  }

  async ready(): Promise<void> {
    this.waits++;
  }

  write(): boolean {
    throw new Error('the simulation writes in place');
  }

  refuse(): void {
    throw new Error('the simulation refuses nothing');
  }
}
