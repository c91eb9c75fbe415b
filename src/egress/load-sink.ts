import { MillraceError } from '../errors/errors.js';
import { bound, checkDefinition, isObject, missingMethods, moduleLoader, refuseExport } from '../modules/module-loader.js';
import type { Delivery, Egress, EgressContext, EgressDefinition } from './egress.js';
import { SINKS } from './registry.js';

/** What a pipeline gives to each sink, whatever its type. */
const RESERVED = ['from', 'codec', 'overflow', 'capacity', 'order', 'window', 'required'];
/** What is used of a definition beside `create`, and of a sink beside what is checked. */
const MEMBERS = ['type', 'description', 'options', 'usesCodec', 'restarts', 'checkOptions', 'promise', 'batch', 'holds', 'check'] as const;
const OPTIONAL = ['startSeries', 'endSeries', 'flush', 'peers', 'readerGone'] as const;
const METHODS = ['open', 'write', 'close'];
const REASONS = ['sink-too-large', 'sink-refused', 'encode-failed', 'unread'];
const MAX_BATCH = 64;

/** A module's default export is a definition, or a plain function from options and a context to a sink. */
export function sinkOf(exported: unknown, type: string): EgressDefinition {
  const use = { kind: 'sink', type } as const;
  if (typeof exported === 'function') {
    const create = exported as EgressDefinition['create'];
    return checked({ type, description: '', options: { type: 'object', additionalProperties: true }, usesCodec: true, create }, type);
  }
  if (!isObject(exported) || typeof exported.create !== 'function') refuseExport(use, 'is neither a function nor made by defineSink');
  checkDefinition(use, exported, RESERVED);
  const { batch = 1 } = exported as { batch?: unknown };
  if (!(Number.isInteger(batch) && (batch as number) >= 1 && (batch as number) <= MAX_BATCH))
    refuseExport(use, `has \`batch\`: ${String(batch)}, which must be a whole number from 1 to ${MAX_BATCH}`);
  return checked(exported as unknown as EgressDefinition, type);
}

/** The same, with what it makes and what that answers checked: a built-in sink is right already. */
function checked(definition: EgressDefinition, type: string): EgressDefinition {
  return {
    ...bound(definition, MEMBERS),
    create: (options, context) => checkedSink(definition.create(options, context), type, context),
  };
}

function checkedSink(sink: Egress, type: string, { name }: EgressContext): Egress {
  const missing = missingMethods(sink, METHODS);
  if (missing.length > 0)
    throw new MillraceError(
      'ERR_CONFIG_INVALID',
      `${type} made no sink: what it returns needs the functions ${METHODS.join(', ')} (missing: ${missing.join(', ')})`,
    );
  return {
    ...bound(sink, OPTIONAL),
    open: async () => sink.open(),
    async write(frames, hold) {
      const delivery = await sink.write(frames, hold);
      checkDelivery(delivery, frames.length, name);
      return delivery;
    },
    close: async () => sink.close(),
  };
}

function checkDelivery(delivery: Delivery | undefined, frames: number, name: string): void {
  const wrong = (what: string): never => {
    throw new MillraceError('ERR_USAGE', `sink '${name}': ${what}`);
  };
  const seen = new Set<number>();
  for (const { index, reason } of delivery?.refused ?? []) {
    if (!(Number.isInteger(index) && index >= 0 && index < frames) || seen.has(index))
      wrong(`\`write\` refused frame ${String(index)} of a batch of ${frames}: each index once, from 0 to ${frames - 1}`);
    if (!REASONS.includes(reason)) wrong(`\`write\` refused a frame for '${String(reason)}', which must be one of ${REASONS.join(', ')}`);
    seen.add(index);
  }
  const { redelivered = 0 } = delivery ?? {};
  if (!(Number.isInteger(redelivered) && redelivered >= 0 && redelivered <= frames))
    wrong(`\`write\` counted ${String(redelivered)} frames as redelivered, of a batch of ${frames}`);
}

export const sinkLoader = moduleLoader('sink', SINKS, sinkOf);
