import { type FileHandle, link, open, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';

const PART = /^\.(.+)\.\d+\.part$/;
const DIGITS = 6;

/** The final name for a temporary name, or undefined for any other file. */
export const finalNameOf = (partName: string): string | undefined => PART.exec(partName)?.[1];

/** `profile.csv` and 7 give `profile-000007.csv`. */
export function insertNumber(name: string, number: number): string {
  return insertText(name, `-${String(number).padStart(DIGITS, '0')}`);
}

export function insertText(name: string, text: string): string {
  const extension = path.extname(name);
  return `${name.slice(0, name.length - extension.length)}${text}${extension}`;
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/**
 * A file during writing: hidden, with a name of its own, in its final folder. `publish` makes it durable before
 * renaming it, so that a file under its final name is complete.
 */
export class PartFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  #position = 0;

  private constructor(handle: FileHandle, file: string) {
    this.#handle = handle;
    this.#path = file;
  }

  static async create(folder: string, name: string): Promise<PartFile> {
    for (let attempt = 0; ; attempt++) {
      const file = path.join(folder, `.${name}.${attempt}.part`);
      try {
        return new PartFile(await open(file, 'wx'), file);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
    }
  }

  /** Resolves when the kernel has the bytes. After a failure the same chunks may be written again. */
  async append(chunks: readonly Uint8Array[]): Promise<void> {
    let position = this.#position;
    let rest = chunks.filter((chunk) => chunk.length > 0);
    while (rest.length > 0) {
      // The system takes at most 1024 buffers in one call.
      const { bytesWritten } = await this.#handle.writev(rest.slice(0, 1024), position);
      position += bytesWritten;
      rest = dropBytes(rest, bytesWritten);
    }
    this.#position = position;
  }

  /** Replaces the first bytes. */
  async patch(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) done += (await this.#handle.write(bytes, done, bytes.length - done, done)).bytesWritten;
  }

  /** Makes the file durable, closes it and renames it, never over another file. Returns its final path. */
  async publish(name: string): Promise<string> {
    await this.#handle.sync();
    await this.#handle.close();
    return publishPart(this.#path, name);
  }

  /** As `publish`, but replaces a file of that name. */
  async replace(name: string): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(this.#path, path.join(path.dirname(this.#path), name));
    await syncFolder(path.dirname(this.#path));
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => {});
    await unlink(this.#path).catch(() => {});
  }
}

function dropBytes(chunks: readonly Uint8Array[], lengthBytes: number): Uint8Array[] {
  let left = lengthBytes;
  let first = 0;
  while (first < chunks.length && left >= chunks[first]!.length) left -= chunks[first++]!.length;
  const rest = chunks.slice(first);
  if (left > 0) rest[0] = rest[0]!.subarray(left);
  return rest;
}

/** Gives a closed part its final name; if the name exists, the first free one with a number in it. */
export async function publishPart(part: string, name: string): Promise<string> {
  const folder = path.dirname(part);
  for (let number = 0; ; number++) {
    const target = path.join(folder, number === 0 ? name : insertNumber(name, number));
    try {
      // A link fails when the name exists, where a rename would replace the file.
      await link(part, target);
      await unlink(part);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue;
      // Some file systems have no links: another process could then take the name for a moment.
      if (await exists(target)) continue;
      await rename(part, target);
    }
    await syncFolder(folder);
    return target;
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Makes the names in a folder durable; not every system supports that. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
