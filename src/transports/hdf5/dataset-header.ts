import { damaged, NotUnderstood } from './damaged.js';
import { type ElementType, readElementType } from './element-type.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { type Filter, readFilters } from './filter-pipeline.js';
import { MESSAGE, readObjectHeader } from './object-header.js';
import { StructureBytes } from './structure-bytes.js';

const MAX_RANK = 32;
const WORD_BYTES = 8;

export type ChunkIndexKind =
  | { readonly type: 'btree-v1' }
  | { readonly type: 'single'; readonly storedBytes: number | undefined; readonly skipped: number }
  | { readonly type: 'implicit' }
  | { readonly type: 'fixed-array' }
  | { readonly type: 'extensible-array' }
  | { readonly type: 'btree-v2' };

export type Layout =
  | { readonly kind: 'compact'; readonly data: Uint8Array }
  | { readonly kind: 'contiguous'; readonly address: number }
  | {
      readonly kind: 'chunked';
      /** Items along each dimension of the dataset. */
      readonly chunk: readonly number[];
      readonly index: ChunkIndexKind;
      readonly address: number;
      /** Chunks that reach over the end of the dataset are not filtered. */
      readonly plainEdges: boolean;
    }
  | { readonly kind: 'virtual'; readonly heapAddress: number; readonly heapIndex: number };

export interface DatasetHeader {
  readonly shape: readonly number[];
  /** Infinity for a dimension without a limit. */
  readonly maxShape: readonly number[];
  readonly element: ElementType;
  readonly layout: Layout;
  readonly filters: readonly Filter[];
  /** The bytes of one item that was never written, as they are in the file; undefined for zeros. */
  readonly fill: Uint8Array | undefined;
}

/**
 * The object header of a dataset, as far as it describes the pixels. Throws ERR_FORMAT, or NotUnderstood when only the
 * library can continue.
 */
export function readDatasetHeader(file: Hdf5Bytes, address: number): DatasetHeader {
  const messages = readObjectHeader(file, address);
  const need = (type: number, what: string): Uint8Array => {
    const message = messages.get(type);
    if (!message) throw damaged(`the dataset has no ${what}`);
    return message;
  };
  if (messages.has(MESSAGE.externalFiles)) throw new NotUnderstood('pixels in external raw files');
  const { shape, maxShape } = readDataspace(need(MESSAGE.dataspace, 'dataspace'));
  const element = readElementType(need(MESSAGE.datatype, 'datatype'));
  const filters = messages.get(MESSAGE.filters);
  return {
    shape,
    maxShape,
    element,
    layout: readLayout(need(MESSAGE.layout, 'layout'), shape.length, element.bytes),
    filters: filters ? readFilters(filters) : [],
    fill: readFill(messages, element.bytes),
  };
}

function readDataspace(message: Uint8Array): { shape: number[]; maxShape: number[] } {
  const bytes = new StructureBytes(message, 'dataspace');
  const version = bytes.u8();
  const rank = bytes.u8();
  const flags = bytes.u8();
  if ((version !== 1 && version !== 2) || rank > MAX_RANK) throw damaged(`a dataspace of version ${version} with ${rank} dimensions`);
  bytes.skip(version === 1 ? 5 : 1);
  const shape = Array.from({ length: rank }, () => bytes.length(WORD_BYTES));
  const maxShape = flags & 1 ? Array.from({ length: rank }, () => bytes.unsigned(WORD_BYTES)) : shape;
  return { shape, maxShape };
}

function readLayout(message: Uint8Array, rank: number, elementBytes: number): Layout {
  const bytes = new StructureBytes(message, 'layout');
  const version = bytes.u8();
  if (version === 1 || version === 2) return readOldLayout(bytes, rank);
  if (version !== 3 && version !== 4 && version !== 5) throw new NotUnderstood(`version ${version} of the layout`);
  const kind = bytes.u8();
  if (kind === 0) return { kind: 'compact', data: bytes.take(bytes.u16()) };
  if (kind === 1) return { kind: 'contiguous', address: bytes.address(WORD_BYTES) };
  if (kind === 3) return { kind: 'virtual', heapAddress: bytes.address(WORD_BYTES), heapIndex: bytes.u32() };
  if (kind !== 2) throw damaged(`a layout of class ${kind}`);
  if (version === 3) {
    const dimensions = bytes.u8();
    const address = bytes.address(WORD_BYTES);
    const chunk = Array.from({ length: dimensions }, () => bytes.u32());
    return chunked(chunk, { type: 'btree-v1' }, address, false);
  }
  const flags = bytes.u8();
  const dimensions = bytes.u8();
  const sideBytes = bytes.u8();
  if (sideBytes < 1 || sideBytes > 8) throw damaged(`sides of a chunk in ${sideBytes} bytes`);
  const chunk = Array.from({ length: dimensions }, () => bytes.length(sideBytes));
  const index = readIndexKind(bytes, flags);
  return chunked(chunk, index, bytes.address(WORD_BYTES), (flags & 1) !== 0);

  function chunked(sides: number[], index: ChunkIndexKind, address: number, plainEdges: boolean): Layout {
    // The last side is the size of an item.
    if (sides.length !== rank + 1 || sides.pop() !== elementBytes || sides.some((side) => side < 1))
      throw damaged('the chunks do not fit the dataset');
    return { kind: 'chunked', chunk: sides, index, address, plainEdges };
  }
}

function readIndexKind(bytes: StructureBytes, flags: number): ChunkIndexKind {
  const type = bytes.u8();
  switch (type) {
    case 1:
      return (flags & 2) === 0
        ? { type: 'single', storedBytes: undefined, skipped: 0 }
        : { type: 'single', storedBytes: bytes.length(WORD_BYTES), skipped: bytes.u32() };
    case 2:
      return { type: 'implicit' };
    case 3:
      bytes.skip(1);
      return { type: 'fixed-array' };
    case 4:
      bytes.skip(5);
      return { type: 'extensible-array' };
    case 5:
      bytes.skip(6);
      return { type: 'btree-v2' };
    default:
      throw new NotUnderstood(`chunk index ${type}`);
  }
}

function readOldLayout(bytes: StructureBytes, rank: number): Layout {
  const dimensions = bytes.u8();
  const kind = bytes.u8();
  bytes.skip(5);
  const address = kind === 0 ? 0 : bytes.address(WORD_BYTES);
  const sides = Array.from({ length: dimensions }, () => bytes.u32());
  if (kind === 0) return { kind: 'compact', data: bytes.take(bytes.u32()) };
  if (kind === 1) return { kind: 'contiguous', address };
  if (kind !== 2) throw damaged(`a layout of class ${kind}`);
  if (sides.length !== rank + 1 || sides.some((side) => side < 1)) throw damaged('the chunks do not fit the dataset');
  return { kind: 'chunked', chunk: sides.slice(0, rank), index: { type: 'btree-v1' }, address, plainEdges: false };
}

function readFill(messages: ReadonlyMap<number, Uint8Array>, elementBytes: number): Uint8Array | undefined {
  const message = messages.get(MESSAGE.fillValue);
  const old = messages.get(MESSAGE.oldFillValue);
  let value: Uint8Array | undefined;
  if (message) {
    const bytes = new StructureBytes(message, 'fill value');
    const version = bytes.u8();
    if (version === 3) {
      const flags = bytes.u8();
      if (flags & 0x20) value = sized(bytes);
    } else {
      bytes.skip(2);
      const defined = bytes.u8();
      if (version === 1 || defined) value = sized(bytes);
    }
  } else if (old) {
    const bytes = new StructureBytes(old, 'fill value');
    value = sized(bytes);
  }
  return value?.length === elementBytes && value.some((byte) => byte !== 0) ? value : undefined;
}

/** Old writers give a size of -1 where there is no value. */
function sized(bytes: StructureBytes): Uint8Array | undefined {
  const size = bytes.u32();
  return size <= bytes.left ? bytes.take(size) : undefined;
}
