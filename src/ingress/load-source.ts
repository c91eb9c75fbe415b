import { MillraceError } from '../errors/errors.js';
import { headerProblem } from '../frame/check-header.js';
import type { FrameHeader } from '../frame/frame.js';
import { bound, checkDefinition, isObject, missingMethods, moduleLoader, refuseExport } from '../modules/module-loader.js';
import type { FrameWriter, Ingress, IngressContext, IngressDefinition } from './ingress.js';
import { SOURCES } from './registry.js';

/** What a pipeline gives to each source, whatever its type. */
const RESERVED = ['codec', 'maxFrame', 'slots', 'parcel', 'seriesTimeoutMs'];
/** What is used of a definition beside `create`. A module borrows no slots: that would need the same checks again. */
const MEMBERS = ['type', 'description', 'options', 'usesCodec', 'restarts', 'checkOptions', 'plan'] as const;
const METHODS = ['open', 'run', 'close'];

/** A module's default export is a definition, or a plain function from options and a context to a source. */
export function sourceOf(exported: unknown, type: string): IngressDefinition {
  const use = { kind: 'source', type } as const;
  if (typeof exported === 'function') {
    const create = exported as IngressDefinition['create'];
    return checked({ type, description: '', options: { type: 'object', additionalProperties: true }, usesCodec: true, create }, type);
  }
  if (!isObject(exported) || typeof exported.create !== 'function') refuseExport(use, 'is neither a function nor made by defineSource');
  checkDefinition(use, exported, RESERVED);
  return checked(exported as unknown as IngressDefinition, type);
}

/** The same, with what it makes and what that writes checked: a built-in source is right already. */
function checked(definition: IngressDefinition, type: string): IngressDefinition {
  return {
    ...bound(definition, MEMBERS),
    create: (options, context) => checkedSource(definition.create(options, context), type, context),
  };
}

function checkedSource(source: Ingress, type: string, { name }: IngressContext): Ingress {
  const missing = missingMethods(source, METHODS);
  if (missing.length > 0)
    throw new MillraceError(
      'ERR_CONFIG_INVALID',
      `${type} made no source: what it returns needs the functions ${METHODS.join(', ')} (missing: ${missing.join(', ')})`,
    );
  return {
    open: async () => source.open(),
    run: async (out, signal) => source.run(checkedWriter(out, name), signal),
    close: async () => source.close(),
  };
}

function checkedWriter(out: FrameWriter, name: string): FrameWriter {
  const mustBeRight = (header: FrameHeader, data?: unknown): void => {
    const problem = headerProblem(header, data);
    if (problem) throw new MillraceError('ERR_USAGE', `source '${name}': ${problem}`);
  };
  return {
    maxBytes: out.maxBytes,
    claim(header) {
      mustBeRight(header);
      return out.claim(header);
    },
    fits(header) {
      mustBeRight(header);
      out.fits?.(header);
    },
    ready: () => out.ready(),
    write(header, data) {
      mustBeRight(header, data ?? null);
      return out.write(header, data);
    },
    startSeries: (start) => out.startSeries(start),
    endSeries: (end) => out.endSeries(end),
    refuse: (reason, detail) => out.refuse(reason, detail),
  };
}

export const sourceLoader = moduleLoader('source', SOURCES, sourceOf);
