import type { UnreadableReport } from '../observe/report.js';

/** A report names at most this many files of a source. */
const MAX_NAMES = 5;

export interface Unreadable {
  readonly file: string;
  readonly reason: string;
  /** The file could not be opened; otherwise one of its frames could not be read. */
  readonly whole: boolean;
  /** Number of files of the source. */
  readonly of: number;
}

/** Files and frames that each source could not read: counted, and the first few by name. */
export class UnreadableLog {
  readonly #bySource = new Map<string, UnreadableReport>();

  add(source: string, { file, reason, whole, of }: Unreadable): void {
    const before = this.#bySource.get(source) ?? { files: 0, frames: 0, of, first: [] };
    const isNew = before.first.length < MAX_NAMES && !before.first.some((one) => one.file === file);
    this.#bySource.set(source, {
      files: before.files + (whole ? 1 : 0),
      frames: before.frames + (whole ? 0 : 1),
      of,
      first: isNew ? [...before.first, { file, reason }] : before.first,
    });
  }

  get sources(): ReadonlyMap<string, UnreadableReport> {
    return this.#bySource;
  }
}
