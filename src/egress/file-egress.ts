import path from 'node:path';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { Frame } from '../frame/frame.js';
import { makeFolder } from '../transports/make-folder.js';
import { pathAddress } from '../transports/relay-address.js';
import type { Delivery, Egress, EgressContext, EgressDefinition } from './egress.js';
import { csvFormat } from './file/csv-format.js';
import type { FrameFormat } from './file/frame-format.js';
import { FullDisk } from './file/full-disk.js';
import { ndjsonFormat } from './file/ndjson-format.js';
import { npyFormat } from './file/npy-format.js';
import { PartFile } from './file/part-file.js';
import { PathTemplate } from './file/path-template.js';
import { recoverParts } from './file/recover-parts.js';
import { type Roll, RolledFile } from './file/rolled-file.js';
import { sayFound } from './file/say-found.js';

export interface FileEgressOptions {
  /** May contain `{ordinal}`, `{sequence}` (or `{ordinal:06}`), `{source}` and `{run}`. */
  readonly path: string;
  /** By default chosen by the extension. */
  readonly format?: 'npy' | 'csv' | 'ndjson';
  readonly roll?: Roll;
}

const FORMATS = { npy: npyFormat, csv: csvFormat, ndjson: ndjsonFormat } as const;

/**
 * Writes frames to files: one frame per file if the path contains a number of the frame, otherwise many. A file is
 * written under a hidden name, made durable and then renamed; it never replaces a file. In a file of its own, a frame
 * is delivered when the file has its final name; in a rolled file, when the kernel has its bytes.
 */
export const fileEgress: EgressDefinition<FileEgressOptions> = {
  type: 'file',
  address: pathAddress('file'),
  description: 'Writes frames to NPY, CSV or NDJSON files.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
sinks:
  frames: { type: file, from: detector, path: "frames/{ordinal:06}.npy" }`,
    errors: {
      ERR_CONFIG_INVALID: 'the path has an unknown placeholder, the format is not known, or `roll` does not fit the path',
      ERR_SINK: 'a file cannot be written, or the format cannot hold the frame',
    },
  },
  usesCodec: false,
  restarts: true,
  batch: 16,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: {
      path: {
        type: 'string',
        minLength: 1,
        description: 'path of the files; may contain `{ordinal}`, `{sequence}`, `{source}`, `{run}`, with a width as in `{ordinal:06}`',
      },
      format: { type: 'string', enum: Object.keys(FORMATS), description: 'format of the files; default: by the extension of the path' },
      roll: {
        type: 'object',
        additionalProperties: false,
        minProperties: 1,
        properties: {
          frames: { type: 'integer', minimum: 1, description: 'frames per file' },
          seconds: { type: 'number', exclusiveMinimum: 0, description: 'age at which a file is closed' },
        },
        description: 'when to start the next numbered file',
      },
    },
  },
  check(options, { baseDir }) {
    settle(options, baseDir);
  },
  create: (options, context) => new FileEgress(options, context),
};

/** Throws ERR_CONFIG_INVALID when the options contradict each other. */
function settle(options: FileEgressOptions, baseDir: string, run?: string): { template: PathTemplate; format: FrameFormat } {
  const template = new PathTemplate(options.path, baseDir, run);
  const name = options.format ?? template.extension.slice(1);
  if (!Object.hasOwn(FORMATS, name)) {
    throw new MillraceError(
      'ERR_CONFIG_INVALID',
      `path: the extension "${template.extension}" does not imply a format; set format to npy, csv or ndjson`,
    );
  }
  if (template.perFrame && options.roll) throw new MillraceError('ERR_CONFIG_INVALID', 'roll: the path already names one file per frame');
  return { template, format: FORMATS[name as keyof typeof FORMATS](!template.perFrame) };
}

type Refusal = NonNullable<Delivery['refused']>[number];

class FileEgress implements Egress {
  readonly #context: EgressContext;
  readonly #template: PathTemplate;
  readonly #format: FrameFormat;
  readonly #roll: Roll | undefined;
  readonly #folders = new Set<string>();
  readonly #disk: FullDisk;
  readonly #rolled = new Map<string, RolledFile>();
  /** A file that reaches its age must not be finished during a write. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: FileEgressOptions, context: EgressContext) {
    this.#context = context;
    this.#disk = new FullDisk(context);
    this.#roll = options.roll;
    ({ template: this.#template, format: this.#format } = settle(options, context.baseDir, context.run));
  }

  async open(): Promise<void> {
    if (this.#template.folder !== undefined) await this.#prepare(this.#template.folder);
  }

  write(frames: readonly Frame[]): Promise<Delivery | undefined> {
    return this.#inTurn(() => (this.#template.perFrame ? this.#writeEach(frames) : this.#writeRolled(frames)));
  }

  flush(): Promise<void> {
    return this.#inTurn(async () => {
      for (const file of this.#rolled.values()) await file.finish();
    });
  }

  close(): Promise<void> {
    return this.flush();
  }

  async #writeEach(frames: readonly Frame[]): Promise<Delivery | undefined> {
    const refused: Refusal[] = [];
    // Folders one after another, because the first visit recovers unfinished files; the files concurrently.
    for (const frame of frames) await this.#prepare(path.dirname(this.#template.fill(frame)));
    const results = await Promise.allSettled(
      frames.map(async (frame, index) => {
        let chunks: Uint8Array[];
        try {
          this.#format.layout(frame);
          chunks = [this.#format.begin(frame) ?? new Uint8Array(0), ...this.#format.encode(frame)];
        } catch (error) {
          refused.push(refusal(index, error));
          return;
        }
        await this.#writeOne(this.#template.fill(frame), chunks);
      }),
    );
    // Waits for all writes: once `write` settles, the memory of the frames is reused.
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    return refused.length > 0 ? { refused } : undefined;
  }

  async #writeOne(file: string, chunks: readonly Uint8Array[]): Promise<void> {
    const part = await this.#disk.keepTrying(file, () => PartFile.create(path.dirname(file), path.basename(file)));
    try {
      await this.#disk.keepTrying(file, () => part.append(chunks));
      const published = await part.publish(path.basename(file));
      if (published !== file) this.#context.log.warn({ file, published }, `${file} already exists: the frame is in ${published}`);
    } catch (error) {
      await part.discard();
      throw error;
    }
  }

  async #writeRolled(frames: readonly Frame[]): Promise<Delivery | undefined> {
    const refused: Refusal[] = [];
    const touched = new Set<RolledFile>();
    for (const [index, frame] of frames.entries()) {
      try {
        this.#format.layout(frame);
      } catch (error) {
        refused.push(refusal(index, error));
        continue;
      }
      const rolled = await this.#rolledFile(this.#template.fill(frame));
      await rolled.add(frame);
      touched.add(rolled);
    }
    for (const rolled of touched) await rolled.push();
    return refused.length > 0 ? { refused } : undefined;
  }

  async #rolledFile(file: string): Promise<RolledFile> {
    const known = this.#rolled.get(file);
    if (known) return known;
    await this.#prepare(path.dirname(file));
    const rolled: RolledFile = new RolledFile(
      file,
      this.#format,
      this.#roll,
      (attempt) => this.#disk.keepTrying(file, attempt),
      () => {
        this.#inTurn(() => rolled.finish()).catch((error: unknown) =>
          this.#context.log.error(
            { file, error },
            `${file} has reached its age but cannot be finished: ${error instanceof Error ? error.message : String(error)}`,
          ),
        );
      },
    );
    this.#rolled.set(file, rolled);
    return rolled;
  }

  async #prepare(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    await makeFolder(folder);
    await recoverParts(folder, this.#template, this.#format, this.#context.log);
    await sayFound(folder, this.#template, 'no file is replaced', this.#context.log);
    this.#folders.add(folder);
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(action).catch((error: unknown) => {
      throw asMillraceError(error, 'ERR_SINK', this.#context.name);
    });
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

function refusal(index: number, error: unknown): Refusal {
  return { index, reason: 'encode-failed', detail: asMillraceError(error, 'ERR_SINK').message };
}
