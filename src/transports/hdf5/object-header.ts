import { damaged, NotUnderstood } from './damaged.js';
import type { Hdf5Bytes } from './file-bytes.js';
import { StructureBytes } from './structure-bytes.js';

/** The message types of an object header that describe a dataset. */
export const MESSAGE = {
  dataspace: 0x01,
  datatype: 0x03,
  oldFillValue: 0x04,
  fillValue: 0x05,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  continuation: 0x10,
} as const;

const ADDRESS_BYTES = 8;
const MAX_BLOCKS = 1000;
const SHARED = 2;
const IN_OTHER_HEADER = 2;

/** The messages of one object header, by type; the first of each type counts. Throws ERR_FORMAT, or NotUnderstood. */
export function readObjectHeader(file: Hdf5Bytes, address: number, depth = 0): Map<number, Uint8Array> {
  const start = file.structure(address, 16, 'object header');
  const messages = new Map<number, Uint8Array>();
  const shared: number[] = [];
  const blocks: { readonly address: number; readonly lengthBytes: number }[] = [];
  const isNew = start.bytes[0] === 0x4f;
  if (isNew) readNew();
  else readOld();
  for (const type of shared) {
    const message = messages.get(type);
    if (message) messages.set(type, followShared(file, type, message, depth));
  }
  return messages;

  function readOld(): void {
    if (start.u8() !== 1) throw damaged(`there is no object header at byte ${address}`);
    start.skip(7);
    const lengthBytes = start.u32();
    readMessages(file.structure(address + 16, lengthBytes, 'object header'), 8, false);
    for (let index = 0; index < blocks.length; index++) {
      const block = blocks[index]!;
      readMessages(file.structure(block.address, block.lengthBytes, 'object header continuation'), 8, false);
    }
  }

  function readNew(): void {
    start.signature('OHDR');
    if (start.u8() !== 2) throw damaged('the version of an object header is not known');
    const flags = start.u8();
    const sizeAt = 6 + (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0);
    const sizeBytes = 1 << (flags & 3);
    const head = file.structure(address, sizeAt + sizeBytes, 'object header');
    head.skip(sizeAt);
    const lengthBytes = head.length(sizeBytes);
    const whole = file.checkedStructure(address, sizeAt + sizeBytes + lengthBytes + 4, 'object header');
    const tracked = (flags & 4) !== 0;
    readMessages(new StructureBytes(whole.bytes.subarray(sizeAt + sizeBytes, -4), 'object header'), tracked ? 6 : 4, tracked);
    for (let index = 0; index < blocks.length; index++) {
      const block = blocks[index]!;
      const continued = file.checkedStructure(block.address, block.lengthBytes, 'object header continuation');
      continued.signature('OCHK');
      readMessages(new StructureBytes(continued.bytes.subarray(4, -4), 'object header continuation'), tracked ? 6 : 4, tracked);
    }
  }

  function readMessages(bytes: StructureBytes, headBytes: number, tracked: boolean): void {
    // A rest shorter than a message header is a gap.
    while (bytes.left >= headBytes) {
      const type = isNew ? bytes.u8() : bytes.u16();
      const sizeBytes = bytes.u16();
      const flags = bytes.u8();
      if (!isNew) bytes.skip(3);
      else if (tracked) bytes.skip(2);
      const data = bytes.take(sizeBytes);
      if (type === MESSAGE.continuation) {
        const place = new StructureBytes(data, 'object header continuation');
        if (blocks.length >= MAX_BLOCKS) throw damaged('an object header has too many parts');
        blocks.push({ address: place.length(ADDRESS_BYTES), lengthBytes: place.length(ADDRESS_BYTES) });
      } else if (!messages.has(type)) {
        messages.set(type, data);
        if (flags & SHARED) shared.push(type);
      }
    }
  }
}

/** A message that is stored once for several objects, such as a named datatype. */
function followShared(file: Hdf5Bytes, type: number, message: Uint8Array, depth: number): Uint8Array {
  const bytes = new StructureBytes(message, 'shared message');
  const version = bytes.u8();
  const kind = bytes.u8();
  if (version === 1) bytes.skip(6);
  else if (version === 3 && kind !== IN_OTHER_HEADER) throw new NotUnderstood('a message in the heap of shared messages');
  const address = bytes.length(ADDRESS_BYTES);
  if (depth > 4) throw damaged('shared messages refer to each other');
  const found = readObjectHeader(file, address, depth + 1).get(type);
  if (!found) throw damaged(`there is no shared message of type ${type} at byte ${address}`);
  return found;
}
