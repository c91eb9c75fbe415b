import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type DType, itemSize, typedView } from '../../../src/frame/dtype.js';
import { type Hdf5Frames, openHdf5Frames } from '../../../src/transports/h5wasm.js';

const packed = path.join(import.meta.dirname, 'files');

export const HEIGHT = 12;
export const WIDTH = 18;

/** Unpacks the files that make-files.py wrote into a folder. */
export function unpackFiles(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(packed))
    writeFileSync(path.join(folder, name.replace(/\.gz$/, '')), gunzipSync(readFileSync(path.join(packed, name))));
}

/** A frame by the formula of make-files.py. */
export function pixels(frame: number, height = HEIGHT, width = WIDTH): number[] {
  return Array.from({ length: height * width }, (_, index) => {
    const row = Math.floor(index / width);
    const column = index % width;
    return (100 * frame + 37 * row + 11 * column + ((row * column) % 7)) % 251;
  });
}

export interface ReadAll {
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Items of each frame, or the message of the error that it gave. */
  readonly frames: (number[] | string)[];
}

export async function readAll(file: string, dataset?: string): Promise<ReadAll> {
  const opened = await openHdf5Frames(file, dataset);
  try {
    return {
      dtype: opened.dtype,
      shape: opened.shape,
      frames: Array.from({ length: opened.count }, (_, index) => itemsOrError(opened, index)),
    };
  } finally {
    opened.close();
    opened.close();
  }
}

function itemsOrError(opened: Hdf5Frames, index: number): number[] | string {
  let bytes: Uint8Array;
  try {
    bytes = opened.read(index);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code !== 'ERR_FORMAT') throw error;
    return message;
  }
  const copy = Uint8Array.from(bytes);
  return Array.from(typedView(opened.dtype, copy.buffer, 0, copy.length / itemSize(opened.dtype)) as ArrayLike<number | bigint>, Number);
}
