import path from 'node:path';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { Frame } from '../frame/frame.js';
import { dataRange } from '../frame/no-data.js';
import { makeFolder } from '../transports/make-folder.js';
import { pathAddress } from '../transports/relay-address.js';
import { type EncodeImage, type ImageFormat, loadImageEncoder, type RawImage } from '../transports/sharp.js';
import type { Delivery, Egress, EgressContext, EgressDefinition } from './egress.js';
import { FullDisk } from './file/full-disk.js';
import { PartFile } from './file/part-file.js';
import { PathTemplate } from './file/path-template.js';
import { removeParts } from './file/recover-parts.js';
import { sayFound } from './file/say-found.js';
import { type ColourScale, colourImage } from './image/colour-image.js';

export interface ImageEgressOptions extends ColourScale {
  /**
   * May contain `{ordinal}`, `{sequence}` and `{source}`; without a number of the frame each image replaces the
   * previous one.
   */
  readonly path: string;
  /** Integers that mean no data are black and are excluded from the percentiles. Default true. */
  readonly noData?: boolean;
}

const FORMATS: Readonly<Record<string, ImageFormat>> = { '.png': 'png', '.jpg': 'jpeg', '.jpeg': 'jpeg', '.webp': 'webp' };

/**
 * Writes frames as PNG, JPEG or WebP files. uint8 [H, W] is grey and uint8 [H, W, 3] is red, green, blue, unchanged;
 * any other [H, W] is mapped to colours. A frame is delivered when its file is durable and has its final name.
 */
export const imageEgress: EgressDefinition<ImageEgressOptions> = {
  type: 'image',
  address: pathAddress('image'),
  clients: ['sharp'],
  description: 'Writes frames to PNG, JPEG or WebP files.',
  docs: {
    example: `version: 1
sources:
  detector: { type: sim, pattern: spots, shape: [64, 64], frames: 4 }
sinks:
  images: { type: image, from: detector, path: "images/{ordinal:06}.png" }`,
    errors: {
      ERR_CONFIG_INVALID: 'the extension of the path is not known, or `min` is not below `max`',
      ERR_OPTIONAL_MISSING: 'the package `sharp` is not installed',
      ERR_SINK: 'a file cannot be written',
    },
  },
  usesCodec: false,
  restarts: true,
  batch: 4,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: {
      path: {
        type: 'string',
        minLength: 1,
        description: 'path that ends in `.png`, `.jpg` or `.webp`; may contain `{ordinal}`, `{sequence}`, `{source}`, `{run}`',
      },
      scale: { type: 'string', enum: ['linear', 'log', 'sqrt'], default: 'linear', description: 'how values map to colours' },
      min: { type: 'number', description: 'value of the darkest colour; default: a low percentile of each frame' },
      max: { type: 'number', description: 'value of the lightest colour; default: a high percentile of each frame' },
      noData: {
        type: 'boolean',
        default: true,
        description:
          'show the largest value of an unsigned integer type and negative values of a signed one in black; false: as ordinary values',
      },
    },
  },
  check(options, { baseDir }) {
    settle(options, baseDir);
  },
  create: (options, context) => new ImageEgress(options, context),
};

function settle(options: ImageEgressOptions, baseDir: string, run?: string): { template: PathTemplate; format: ImageFormat } {
  const template = new PathTemplate(options.path, baseDir, run);
  const format = Object.hasOwn(FORMATS, template.extension) ? FORMATS[template.extension] : undefined;
  if (!format)
    throw new MillraceError(
      'ERR_CONFIG_INVALID',
      `path: the extension "${template.extension}" must be one of ${Object.keys(FORMATS).join(', ')}`,
    );
  if (options.min !== undefined && options.max !== undefined && !(options.min < options.max)) {
    throw new MillraceError('ERR_CONFIG_INVALID', `min: ${options.min} must be below max ${options.max}`);
  }
  return { template, format };
}

type Refusal = NonNullable<Delivery['refused']>[number];

class ImageEgress implements Egress {
  readonly #options: ImageEgressOptions;
  readonly #context: EgressContext;
  readonly #template: PathTemplate;
  readonly #format: ImageFormat;
  readonly #folders = new Set<string>();
  readonly #disk: FullDisk;
  #encode: EncodeImage | undefined;

  constructor(options: ImageEgressOptions, context: EgressContext) {
    this.#options = options;
    this.#context = context;
    this.#disk = new FullDisk(context);
    ({ template: this.#template, format: this.#format } = settle(options, context.baseDir, context.run));
  }

  async open(): Promise<void> {
    this.#encode = await loadImageEncoder();
    if (this.#template.folder !== undefined) await this.#prepare(this.#template.folder);
  }

  async write(frames: readonly Frame[]): Promise<Delivery | undefined> {
    const encode = this.#encode;
    if (!encode) throw new MillraceError('ERR_STATE', `${this.#context.name}: the sink is not open`);
    const refused: Refusal[] = [];
    // Encoded concurrently, renamed in order: the last frame is the one that remains.
    const images = await Promise.all(
      frames.map(async (frame, index) => {
        try {
          return await encode(rawImage(frame, this.#options), this.#format);
        } catch (error) {
          refused.push({ index, reason: 'encode-failed', detail: asMillraceError(error, 'ERR_SINK').message });
          return undefined;
        }
      }),
    );
    for (const [index, image] of images.entries()) {
      if (!image) continue;
      try {
        await this.#store(this.#template.fill(frames[index]!), image);
      } catch (error) {
        throw asMillraceError(error, 'ERR_SINK', this.#context.name);
      }
    }
    return refused.length > 0 ? { refused } : undefined;
  }

  async close(): Promise<void> {}

  async #prepare(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    await makeFolder(folder);
    await removeParts(folder, this.#template);
    await sayFound(folder, this.#template, this.#template.perFrame ? 'no file is replaced' : 'it will be replaced', this.#context.log);
    this.#folders.add(folder);
  }

  async #store(file: string, image: Uint8Array): Promise<void> {
    const folder = path.dirname(file);
    await this.#prepare(folder);
    const part = await this.#disk.keepTrying(file, () => PartFile.create(folder, path.basename(file)));
    try {
      await this.#disk.keepTrying(file, () => part.append([image]));
      if (this.#template.perFrame) await part.publish(path.basename(file));
      else await part.replace(path.basename(file));
    } catch (error) {
      await part.discard();
      throw error;
    }
  }
}

function rawImage(frame: Frame, options: ImageEgressOptions): RawImage {
  const [height = 0, width = 0, channels] = frame.shape;
  const isByte = frame.dtype === 'uint8';
  if (height > 0 && width > 0) {
    if (isByte && frame.shape.length === 3 && channels === 3) return { width, height, channels: 3, pixels: frame.bytes };
    if (isByte && frame.shape.length === 2) return { width, height, channels: 1, pixels: frame.bytes };
    if (frame.shape.length === 2)
      return { width, height, channels: 3, pixels: colourImage(frame.data, options, dataRange(frame.dtype, options.noData ?? true)) };
  }
  throw new MillraceError('ERR_SINK', `an image needs [H, W], or uint8 [H, W, 3], not ${frame.dtype} [${frame.shape.join(', ')}]`);
}
