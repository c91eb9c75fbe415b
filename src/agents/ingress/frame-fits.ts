import { MillraceError } from '../../errors/errors.js';
import { byteLength } from '../../frame/dtype.js';
import type { FrameHeader } from '../../frame/frame.js';
import { encodeMeta } from '../../frame/frame-view.js';
import { MAX_META_BYTES } from '../../frame/slot-layout.js';
import { sizeFor } from '../../memory/size-text.js';

/** What the items of a frame take, in bytes. Throws ERR_MESSAGE_TOO_LARGE for a frame, or a meta, that has no room in a slot. */
export function fittingBytes(header: FrameHeader, maxBytes: number): number {
  const bytes = byteLength(header.dtype, header.shape);
  if (!(bytes <= maxBytes))
    throw new MillraceError(
      'ERR_MESSAGE_TOO_LARGE',
      `a frame of ${bytes} bytes (${header.dtype} [${header.shape.join(', ')}]) is over the ${maxBytes} of maxFrame; set maxFrame: ${sizeFor(bytes)} at the source`,
    );
  checkMeta(header);
  return bytes;
}

/** Throws ERR_MESSAGE_TOO_LARGE for a meta that has no room. */
export function checkMeta(header: FrameHeader): void {
  const meta = header.meta ? encodeMeta(header.meta).length : 0;
  if (meta > MAX_META_BYTES)
    throw new MillraceError('ERR_MESSAGE_TOO_LARGE', `the meta of a frame has ${meta} bytes, over the ${MAX_META_BYTES} of a slot`);
}
