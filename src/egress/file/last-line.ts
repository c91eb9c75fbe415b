import type { FileHandle } from 'node:fs/promises';

const BLOCK_BYTES = 1 << 16;
const LINE_END = 0x0a;

/** Length of a text file up to and including its last line end before `sizeBytes`; 0 if there is none. */
export async function wholeLineBytes(handle: FileHandle, sizeBytes: number): Promise<number> {
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let end = sizeBytes; end > 0; ) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const { bytesRead } = await handle.read(block, 0, end - start, start);
    const last = block.subarray(0, bytesRead).lastIndexOf(LINE_END);
    if (last >= 0) return start + last + 1;
    end = start;
  }
  return 0;
}
