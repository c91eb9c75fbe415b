import { codecLoader } from '../codecs/load-codec.js';
import type { DeliveryPromise, EgressDefinition } from '../egress/egress.js';
import { sinkLoader } from '../egress/load-sink.js';
import { asMillraceError, MillraceError } from '../errors/errors.js';
import type { OptionIssue } from '../errors/option-issue.js';
import type { IngressDefinition } from '../ingress/ingress.js';
import { sourceLoader } from '../ingress/load-source.js';
import type { ModuleLoader } from '../modules/module-loader.js';
import type { SinkSpec, SourceSpec } from '../spec/spec.js';
import { checkParameters } from './check-parameters.js';
import type { ConnectorCode } from './plan-types.js';

/** No module is loaded; so also for a node that could not be loaded, until its mistake is reported. */
export const BUILT_IN: ConnectorCode = { code: undefined, codec: undefined };

/** A source of a pipeline with its definition, for the plan. */
export interface LoadedSource {
  readonly definition: IngressDefinition;
  readonly modules: ConnectorCode;
  readonly restarts: boolean;
}

/** A sink of a pipeline with its definition, for the plan. */
export interface LoadedSink {
  readonly definition: EgressDefinition;
  readonly modules: ConnectorCode;
  readonly restarts: boolean;
  readonly promise: DeliveryPromise;
}

/** Finds what a source names, its module and codec, and checks its options. @throws ERR_CONFIG_* with the place of the source */
export function loadSource(name: string, spec: SourceSpec, baseDir: string): Promise<LoadedSource> {
  return loadConnector(sourceLoader, 'source', name, spec, baseDir);
}

/** As `loadSource`, of a sink. */
export async function loadSink(name: string, spec: SinkSpec, baseDir: string): Promise<LoadedSink> {
  const loaded = await loadConnector(sinkLoader, 'sink', name, spec, baseDir);
  return { ...loaded, promise: loaded.definition.promise?.(spec.options) ?? 'acknowledged' };
}

interface Connector {
  readonly options: Readonly<Record<string, unknown>>;
  readonly restarts?: boolean | ((options: Record<string, unknown>) => boolean);
  checkOptions?(options: Record<string, unknown>): readonly OptionIssue[];
}

async function loadConnector<D extends Connector>(
  loader: ModuleLoader<D>,
  kind: 'source' | 'sink',
  name: string,
  spec: SourceSpec | SinkSpec,
  baseDir: string,
): Promise<{ definition: D; modules: ConnectorCode; restarts: boolean }> {
  const { type, options, codec, place } = spec;
  try {
    const { definition, code } = await loader.load(type, baseDir);
    checkParameters(definition.options, options, `${kind}s.${name}`, place);
    const issues = code ? (definition.checkOptions?.(options) ?? []) : [];
    if (issues.length > 0)
      throw new MillraceError(
        'ERR_CONFIG_INVALID',
        issues.map(({ message, path }) => `${[`${kind}s.${name}`, ...path].join('.')}: ${message}`).join('; '),
      );
    const { restarts = false } = definition;
    return {
      definition,
      modules: { code, codec: (await codecLoader.load(codec, baseDir)).code },
      restarts: typeof restarts === 'function' ? restarts(options) : restarts,
    };
  } catch (error) {
    const known = asMillraceError(error, 'ERR_CONFIG_INVALID', `${kind} '${name}'`);
    if (known.place || !place) throw known;
    throw new MillraceError(known.code, known.message, { cause: known, place });
  }
}
