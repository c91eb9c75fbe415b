import type { StoredChunk } from './chunk-grid.js';
import { damaged } from './damaged.js';
import { type StructureBytes, UNDEFINED } from './structure-bytes.js';

export const ADDRESS_BYTES = 8;
const MASK_BYTES = 4;

/** The chunks that a piece of an array index names: an address, and for filtered chunks their size and filter mask. */
export interface EntryFormat {
  readonly entryBytes: number;
  /** Of the size of a filtered chunk; 0 where chunks are not filtered. */
  readonly sizeBytes: number;
  readonly chunkBytes: number;
}

export function entryFormat(client: number, entryBytes: number, chunkBytes: number): EntryFormat {
  if (client === 0 && entryBytes === ADDRESS_BYTES) return { entryBytes, sizeBytes: 0, chunkBytes };
  const sizeBytes = entryBytes - ADDRESS_BYTES - MASK_BYTES;
  if (client !== 1 || sizeBytes < 1 || sizeBytes > 8) throw damaged('the entries of a chunk index have a size that is not known');
  return { entryBytes, sizeBytes, chunkBytes };
}

export function readEntry(bytes: StructureBytes, format: EntryFormat): StoredChunk | undefined {
  const address = bytes.address(ADDRESS_BYTES);
  if (format.sizeBytes === 0) return address === UNDEFINED ? undefined : { address, storedBytes: format.chunkBytes, skipped: 0 };
  const storedBytes = bytes.unsigned(format.sizeBytes);
  const skipped = bytes.u32();
  return address === UNDEFINED ? undefined : { address, storedBytes, skipped };
}
