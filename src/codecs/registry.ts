import { array10 } from './array-1.0.js';
import type { Codec } from './codec.js';
import { json } from './json.js';
import { msgpack } from './msgpack.js';
import { raw } from './raw.js';

/** The message codecs that ship with Millrace, by name. */
export const CODECS: ReadonlyMap<string, Codec> = new Map([array10, json, msgpack, raw].map((codec) => [codec.name, codec]));
