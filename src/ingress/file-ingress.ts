import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { asMillraceError, MillraceError, namedError } from '../errors/errors.js';
import { byteLength } from '../frame/dtype.js';
import type { FrameHeader } from '../frame/frame.js';
import { pathAddress } from '../transports/relay-address.js';
import { type FrameFile, openFrameFile } from './file/frame-file.js';
import { matchFiles } from './file/match-files.js';
import type { FrameWriter, Ingress, IngressContext, IngressDefinition } from './ingress.js';

export interface FileIngressOptions {
  /** A file, or a pattern with `*`, `?` and `**`. */
  readonly path: string;
  /**
   * The dataset of HDF5 files, a group, or a pattern (docs/reference/hdf5.md); by default the dataset that NeXus marks,
   * or the only one with images.
   */
  readonly dataset?: string;
  /** Frames per second; by default as fast as the pipeline takes them. */
  readonly rate?: number;
  /** Start again at the end: without limit, or this number of passes in total. */
  readonly loop?: boolean | number;
}

/** How long to read frames without a turn of the event loop, which delivers the signal to stop. */
const TURN_MS = 10;
/** After a delay, a source catches up at most this much of its rate. */
const CATCH_UP_MS = 100;

/**
 * Reads frames from files. The sequence of a frame is its number over all files and passes; `meta.file` is the name of
 * its file.
 */
export const fileIngress: IngressDefinition<FileIngressOptions> = {
  type: 'file',
  address: pathAddress('file'),
  clients: ['h5wasm'],
  description: 'Reads frames from HDF5, NPY, TIFF, CBF and EDF files.',
  docs: {
    text: '[HDF5 files](../hdf5.md) describes datasets, filters and files that are still being written.',
    example: `version: 1
sources:
  scan: { type: file, path: "frames/*.npy" }
sinks:
  result: { type: print, from: scan }`,
    run: 'The example of the [sink `file`](../sinks/file.md) writes such files',
    errors: {
      ERR_CONFIG_FILE: 'no file matches the pattern, or the first file cannot be opened',
      ERR_CONFIG_INVALID: 'a file has several datasets of images: set `dataset`',
      ERR_FORMAT: 'a file is damaged; the file or the frame is counted as unreadable, and the run goes on',
      ERR_SOURCE: 'with `loop: true`, none of the files can be read',
    },
  },
  usesCodec: false,
  restarts: true,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: {
      path: { type: 'string', minLength: 1, description: 'a file, or a pattern with `*`, `?` and `**`' },
      dataset: {
        type: 'string',
        minLength: 1,
        description: 'dataset of HDF5 files, a group, or a pattern; default: the one that NeXus marks, or the only one that holds images',
      },
      rate: {
        type: 'number',
        exclusiveMinimum: 0,
        unit: 'frames/s',
        description: 'largest rate; default: as fast as the pipeline takes them',
      },
      loop: {
        anyOf: [{ type: 'boolean' }, { type: 'integer', minimum: 1 }],
        default: false,
        description: 'start again at the end: true for no end, or the number of passes',
      },
    },
  },

  async plan(options, { baseDir }) {
    const [first] = matchOrThrow(options, baseDir);
    let file: FrameFile;
    try {
      file = await openFrameFile(first!, options.dataset);
    } catch (error) {
      if (error instanceof MillraceError && error.code.startsWith('ERR_CONFIG')) throw namedError(error, error.code, first!);
      const reason = asMillraceError(error, 'ERR_CONFIG_FILE');
      throw new MillraceError('ERR_CONFIG_FILE', `${first}: ${reason.message}`, { cause: error });
    }
    const { dtype, shape } = file;
    await file.close();
    return { maxFrameBytes: byteLength(dtype, shape), shape, dtype };
  },

  create: (options, context) => new FileIngress(options, context),
};

function matchOrThrow(options: FileIngressOptions, baseDir: string): string[] {
  const files = matchFiles(options.path, baseDir);
  if (files.length === 0) throw new MillraceError('ERR_CONFIG_FILE', `no file matches ${path.resolve(baseDir, options.path)}`);
  return files;
}

class FileIngress implements Ingress {
  readonly #options: FileIngressOptions;
  readonly #context: IngressContext;
  #files: string[] = [];
  #sequence = 0;
  #dueMs = 0;
  #turnAtMs = 0;
  /** Of the messages that an earlier thread had received, the number that this one has reached. */
  #past = 0;

  constructor(options: FileIngressOptions, context: IngressContext) {
    this.#options = options;
    this.#context = context;
  }

  #isPast(): boolean {
    return this.#past < (this.#context.resumeAt ?? 0) && ++this.#past > 0;
  }

  async open(): Promise<void> {
    this.#files = matchOrThrow(this.#options, this.#context.baseDir);
  }

  async run(out: FrameWriter, signal: AbortSignal): Promise<void> {
    const { loop } = this.#options;
    const passes = loop === true ? Number.POSITIVE_INFINITY : Number(loop || 1);
    this.#dueMs = performance.now();
    this.#turnAtMs = this.#dueMs;
    for (let pass = 0; pass < passes; pass++) {
      let taken = 0;
      for (const file of this.#files) {
        const frames = await this.#sendFile(file, out, signal);
        if (signal.aborted) return;
        taken += frames;
      }
      if (taken === 0 && loop === true) throw new MillraceError('ERR_SOURCE', `none of the ${this.#files.length} files could be read`);
    }
  }

  async close(): Promise<void> {}

  /**
   * Number of frames taken. A file or frame that cannot be read is refused with its name; reading continues with the
   * next one.
   */
  async #sendFile(name: string, out: FrameWriter, signal: AbortSignal): Promise<number> {
    let file: FrameFile;
    try {
      file = await openFrameFile(name, this.#options.dataset);
    } catch (error) {
      this.#refuse(out, name, error, true);
      return 0;
    }
    try {
      let taken = 0;
      for (let index = 0; index < file.count; index++) {
        if (!(await this.#wait(signal))) break;
        let data: Uint8Array;
        try {
          data = await file.read(index);
        } catch (error) {
          this.#refuse(out, name, error, false);
          continue;
        }
        const header: FrameHeader = {
          dtype: file.dtype,
          shape: file.shape,
          sequence: this.#sequence++,
          meta: { file: path.basename(name) },
        };
        const accepted = this.#isPast() || out.write(header, data);
        if (accepted !== true && !(await accepted)) break;
        taken++;
      }
      return taken;
    } finally {
      await file.close();
    }
  }

  /** The number stays unused: it appears as a gap, which matches the stream. */
  #refuse(out: FrameWriter, name: string, error: unknown, whole: boolean): void {
    this.#sequence++;
    if (this.#isPast()) return;
    const reason = asMillraceError(error, 'ERR_FORMAT').message;
    this.#context.unreadable?.({ file: name, reason, whole, of: this.#files.length });
    out.refuse('malformed', `${name}: ${reason}`);
  }

  /** Waits until the next frame is due; false when the source is to stop. */
  async #wait(signal: AbortSignal): Promise<boolean> {
    const now = performance.now();
    const { rate } = this.#options;
    if (rate !== undefined) {
      const waitMs = this.#dueMs - now;
      this.#dueMs = Math.max(this.#dueMs, now - CATCH_UP_MS) + 1000 / rate;
      if (waitMs >= 1) {
        this.#turnAtMs = now;
        await sleep(waitMs, undefined, { signal }).catch(() => {});
        return !signal.aborted;
      }
    }
    if (now - this.#turnAtMs > TURN_MS) {
      await nextTurn();
      this.#turnAtMs = now;
    }
    return !signal.aborted;
  }
}
