import { loadOptional } from './load-optional.js';

export type ImageFormat = 'png' | 'jpeg' | 'webp';

export interface RawImage {
  readonly width: number;
  readonly height: number;
  /** Grey, or red, green, blue. */
  readonly channels: 1 | 3;
  /** uint8, row after row; may be shared memory, but must not change until the promise settles. */
  readonly pixels: Uint8Array;
}

export type EncodeImage = (image: RawImage, format: ImageFormat) => Promise<Uint8Array>;

/** Loads sharp. Throws ERR_OPTIONAL_MISSING. */
export async function loadImageEncoder(): Promise<EncodeImage> {
  const { default: sharp } = await loadOptional<typeof import('sharp')>('sharp');
  return ({ width, height, channels, pixels }, format) => {
    const image = sharp(pixels, { raw: { width, height, channels } });
    // Without this a single channel is written as three.
    return (channels === 1 ? image.toColourspace('b-w') : image).toFormat(format).toBuffer();
  };
}
