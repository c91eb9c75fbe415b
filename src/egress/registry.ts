import type { EgressDefinition } from './egress.js';
import { fileEgress } from './file-egress.js';
import { imageEgress } from './image-egress.js';
import { iterateEgress } from './iterate-egress.js';
import { kafkaEgress } from './kafka-egress.js';
import { nullEgress } from './null-egress.js';
import { printEgress } from './print-egress.js';
import { redisEgress } from './redis-egress.js';
import { zmqEgress } from './zmq-egress.js';

/** The sinks that ship with Millrace, by type. Each loads its client when it opens. */
// biome-ignore lint/suspicious/noExplicitAny: options are checked against each schema before they reach a sink
export const SINKS: ReadonlyMap<string, EgressDefinition<any>> = new Map(
  [fileEgress, imageEgress, iterateEgress, kafkaEgress, nullEgress, printEgress, redisEgress, zmqEgress].map((definition) => [
    definition.type,
    definition,
  ]),
);
