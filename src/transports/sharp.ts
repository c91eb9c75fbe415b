import { MillraceError } from '../errors/errors.js';

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
  let sharp: typeof import('sharp').default;
  try {
    sharp = (await import('sharp')).default;
  } catch (error) {
    throw new MillraceError('ERR_OPTIONAL_MISSING', 'image files need the package sharp: npm install sharp', { cause: error });
  }
  return ({ width, height, channels, pixels }, format) => {
    const image = sharp(pixels, { raw: { width, height, channels } });
    // Without this a single channel is written as three.
    return (channels === 1 ? image.toColourspace('b-w') : image).toFormat(format).toBuffer();
  };
}
