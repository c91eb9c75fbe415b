import { CODECS } from '../codecs/registry.js';
import { SINKS } from '../egress/registry.js';
import { SOURCES } from '../ingress/registry.js';
import { OPERATORS } from '../operators/registry.js';
import type { Registries } from './registries.js';

/** What ships with Millrace. */
export const BUILTIN: Registries = { sources: SOURCES, sinks: SINKS, operators: OPERATORS, codecs: CODECS };
