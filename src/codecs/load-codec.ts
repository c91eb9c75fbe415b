import { MillraceError } from '../errors/errors.js';
import { headerProblem } from '../frame/check-header.js';
import { isObject, missingMethods, moduleLoader, refuseExport } from '../modules/module-loader.js';
import type { Codec } from './codec.js';
import { CODECS } from './registry.js';

/** A module's default export is a codec. Its frames are checked: those of a built-in codec are right already. */
export function codecOf(exported: unknown, type: string): Codec {
  const use = { kind: 'codec', type } as const;
  if (!isObject(exported)) refuseExport(use, 'is not made by defineCodec');
  const codec = exported as unknown as Codec;
  if (typeof codec.name !== 'string' || codec.name === '') refuseExport(use, 'needs `name`, a text');
  const missing = missingMethods(codec, ['decode', 'encode']);
  if (missing.length > 0) refuseExport(use, `needs the function ${missing.map((name) => `'${name}'`).join(' and ')}`);
  return checked(codec);
}

function checked(codec: Codec): Codec {
  const malformed = (what: string): MillraceError => new MillraceError('ERR_MESSAGE_MALFORMED', `${codec.name}: ${what}`);
  return {
    name: codec.name,
    ...(codec.description === undefined ? {} : { description: codec.description }),
    ...(codec.bodyPart === undefined ? {} : { bodyPart: codec.bodyPart }),
    decode(parts) {
      const frame = codec.decode(parts);
      const problem = frame === undefined || frame === null ? '`decode` returned no frame' : headerProblem(frame, frame.data ?? null);
      if (problem) throw malformed(problem);
      return frame;
    },
    encode(frame) {
      const parts = codec.encode(frame);
      if (Array.isArray(parts) && parts.length > 0 && parts.every((part) => part instanceof Uint8Array)) return parts;
      throw malformed('`encode` must return a list of Uint8Array, the parts of one message');
    },
    ...(codec.decodeSeries ? { decodeSeries: (parts) => codec.decodeSeries!(parts) } : {}),
    ...(codec.encodeSeries ? { encodeSeries: (message) => codec.encodeSeries!(message) } : {}),
  };
}

export const codecLoader = moduleLoader('codec', CODECS, codecOf);
