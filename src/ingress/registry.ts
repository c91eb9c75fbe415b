import { fileIngress } from './file-ingress.js';
import type { IngressDefinition } from './ingress.js';
import { pushIngress } from './push-ingress.js';
import { simIngress } from './sim-ingress.js';
import { zmqIngress } from './zmq-ingress.js';

/** The sources that ship with Millrace, by type. Each loads its client when it opens. */
// biome-ignore lint/suspicious/noExplicitAny: options are checked against each schema before they reach a source
export const SOURCES: ReadonlyMap<string, IngressDefinition<any>> = new Map(
  [fileIngress, pushIngress, simIngress, zmqIngress].map((definition) => [definition.type, definition]),
);
