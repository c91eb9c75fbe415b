import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Frame } from '../../frame/frame.js';
import type { FrameFormat } from './frame-format.js';
import { insertNumber, PartFile } from './part-file.js';

export interface Roll {
  /** Frames per file. */
  readonly frames?: number;
  /** Age at which a file is finished, counted from its first frame. */
  readonly seconds?: number;
}

/** Retries an operation until it succeeds, if retrying can help. */
export type KeepTrying = <T>(attempt: () => Promise<T>) => Promise<T>;

/**
 * A sequence of files at one path. Without `roll` there is one, with the name of the path; with it they are numbered
 * from the first unused number. A frame of another layout starts another file.
 */
export class RolledFile {
  readonly #folder: string;
  readonly #name: string;
  readonly #format: FrameFormat;
  readonly #roll: Roll | undefined;
  readonly #keepTrying: KeepTrying;
  readonly #onDue: () => void;
  #part: PartFile | undefined;
  #partName = '';
  #layout = '';
  #frames = 0;
  #pending: Uint8Array[] = [];
  #timer: NodeJS.Timeout | undefined;
  #number: number | undefined;

  /** `onDue` is called when the file has reached its age. */
  constructor(file: string, format: FrameFormat, roll: Roll | undefined, keepTrying: KeepTrying, onDue: () => void) {
    this.#folder = path.dirname(file);
    this.#name = path.basename(file);
    this.#format = format;
    this.#roll = roll;
    this.#keepTrying = keepTrying;
    this.#onDue = onDue;
  }

  /** Writes a frame; when `push` resolves, the kernel has its bytes. */
  async add(frame: Frame): Promise<void> {
    const layout = this.#format.layout(frame);
    const chunks = this.#format.encode(frame);
    if (this.#part && layout !== this.#layout) await this.finish();
    if (!this.#part) await this.#begin(frame, layout);
    this.#pending.push(...chunks);
    this.#frames++;
    if (this.#frames >= (this.#roll?.frames ?? Number.POSITIVE_INFINITY)) await this.finish();
  }

  async push(): Promise<void> {
    const part = this.#part;
    if (!part || this.#pending.length === 0) return;
    await this.#keepTrying(() => part.append(this.#pending));
    this.#pending = [];
  }

  /** Completes and names the current file. */
  async finish(): Promise<void> {
    const part = this.#part;
    if (!part) return;
    clearTimeout(this.#timer);
    await this.push();
    const head = this.#format.finish?.(this.#layout, this.#frames);
    if (head) await this.#keepTrying(() => part.patch(head));
    await part.publish(this.#partName);
    this.#part = undefined;
  }

  async #begin(frame: Frame, layout: string): Promise<void> {
    this.#partName = this.#roll ? insertNumber(this.#name, await this.#nextNumber()) : this.#name;
    this.#part = await this.#keepTrying(() => PartFile.create(this.#folder, this.#partName));
    this.#layout = layout;
    this.#frames = 0;
    const head = this.#format.begin(frame);
    this.#pending = head ? [head] : [];
    if (this.#roll?.seconds !== undefined) this.#timer = setTimeout(this.#onDue, this.#roll.seconds * 1000).unref();
  }

  async #nextNumber(): Promise<number> {
    if (this.#number === undefined) {
      const extension = path.extname(this.#name);
      const stem = `${this.#name.slice(0, this.#name.length - extension.length)}-`;
      const numbers = (await readdir(this.#folder))
        .filter((name) => name.startsWith(stem) && name.endsWith(extension))
        .map((name) => name.slice(stem.length, name.length - extension.length))
        .filter((text) => /^\d{1,15}$/.test(text))
        .map(Number);
      this.#number = Math.max(0, ...numbers);
    }
    return ++this.#number;
  }
}
