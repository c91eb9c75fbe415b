import type { Codec } from '../codecs/codec.js';
import { codecOf } from '../codecs/load-codec.js';
import type { EgressDefinition } from '../egress/egress.js';
import { sinkOf } from '../egress/load-sink.js';
import { MillraceError } from '../errors/errors.js';
import type { Logger } from '../errors/logger.js';
import type { IngressDefinition } from '../ingress/ingress.js';
import { sourceOf } from '../ingress/load-source.js';
import { BUILTIN } from '../spec/builtin-registries.js';
import { specFromObject } from '../spec/load.js';
import type {
  OperatorTypes,
  PipelineSettings,
  SinkSettings,
  SinkTypes,
  SourceSettings,
  SourceTypes,
  StageSettings,
} from '../spec/option-types.js';
import type { PipelineSpec } from '../spec/spec.js';
import { Pipeline } from './pipeline.js';
import { refuseOthers } from './refuse-others.js';

/** The path of a module, as the pipeline file has it. */
export type ModulePath = `./${string}` | `../${string}` | `/${string}` | `file:${string}`;

/** A codec of a module: its path, its URL, or the codec itself if it names its `module`. */
export type CodecOption = ModulePath | URL | Codec;

/** Lets a node whose type takes a codec take one of a module too. */
type OpenCodec<T> = T extends { readonly type: string }
  ? 'codec' extends keyof T
    ? Omit<T, 'codec'> & { readonly codec?: Exclude<T['codec'], undefined> | CodecOption }
    : T
  : never;

/** The options of a source: those of its `type`, and those that each source has. */
export type SourceOptions = OpenCodec<SourceTypes[keyof SourceTypes]> | ModuleSourceOptions;

/** The options of a sink: those of its `type`, and those that each sink has. */
export type SinkOptions = OpenCodec<SinkTypes[keyof SinkTypes]> | ModuleSinkOptions;

// biome-ignore-start lint/suspicious/noExplicitAny: the options are checked against the schema of the definition
/** A source of a module: `type` is its path, its URL, or its definition if that names its `module`. */
export interface ModuleSourceOptions extends SourceSettings {
  readonly type: ModulePath | URL | IngressDefinition<any>;
  readonly codec?: string | CodecOption;
  readonly [option: string]: unknown;
}

/** A sink of a module: `type` is its path, its URL, or its definition if that names its `module`. */
export interface ModuleSinkOptions extends SinkSettings {
  readonly type: ModulePath | URL | EgressDefinition<any>;
  readonly codec?: string | CodecOption;
  readonly [option: string]: unknown;
}
// biome-ignore-end lint/suspicious/noExplicitAny: see above

/** An operator of a module: `type` is its path, or a URL such as `new URL('./hit-finder.mjs', import.meta.url)`. */
export interface ModuleOperatorOptions {
  readonly type: ModulePath | URL;
  readonly [parameter: string]: unknown;
}

/** A built-in operator or one of a module, with its parameters. */
export type OperatorOptions = OperatorTypes[keyof OperatorTypes] | ModuleOperatorOptions;

export interface StageOptions extends StageSettings {
  readonly operators?: readonly OperatorOptions[];
}

export interface BuildOptions {
  /** Base folder of relative paths. Default: the working directory. */
  readonly baseDir?: string;
  /** A logger with the interface of pino. Without one, nothing is logged. */
  readonly logger?: Logger;
}

/**
 * Builds a pipeline in code: the same description as the file, checked by the same rules when it is built. The compiler
 * checks types and options too. For a description that is only known at run time, use `specFromObject`.
 */
export class PipelineBuilder {
  readonly #name: string;
  // Without a prototype, so that every name is a key, and a wrong one is refused as such.
  readonly #sources: Record<string, object> = Object.create(null);
  readonly #stages: Record<string, object> = Object.create(null);
  readonly #sinks: Record<string, object> = Object.create(null);
  /** Definitions that were given in place of paths, by the URLs of their modules. */
  readonly #given = { sources: new Map(BUILTIN.sources), sinks: new Map(BUILTIN.sinks), codecs: new Map(BUILTIN.codecs) };
  #rest: Record<string, unknown> = {};

  constructor(name: string) {
    this.#name = name;
  }

  source(name: string, options: SourceOptions): this {
    const { type, codec } = options as { readonly type: unknown; readonly codec?: unknown };
    this.#sources[name] = { ...options, type: this.#nameOf(type, this.#given.sources, sourceOf), ...this.#codec(codec) };
    return this;
  }

  stage(name: string, options: StageOptions): this {
    const operators = options.operators?.map((one) => (one.type instanceof URL ? { ...one, type: one.type.href } : one));
    this.#stages[name] = { ...options, ...(operators ? { operators } : {}) };
    return this;
  }

  sink(name: string, options: SinkOptions): this {
    const { type, codec } = options as { readonly type: unknown; readonly codec?: unknown };
    this.#sinks[name] = { ...options, type: this.#nameOf(type, this.#given.sinks, sinkOf), ...this.#codec(codec) };
    return this;
  }

  #codec(codec: unknown): { codec?: unknown } {
    return codec === undefined ? {} : { codec: this.#nameOf(codec, this.#given.codecs, codecOf) };
  }

  /** What a pipeline file would have: a name or a path. A definition is known by the URL of its module from then on. */
  #nameOf<D>(type: unknown, known: Map<string, D>, check: (exported: unknown, type: string) => D): unknown {
    if (type instanceof URL) return type.href;
    if (typeof type !== 'object' || type === null) return type;
    const { module } = type as { readonly module?: string | URL };
    const url = module === undefined ? '' : String(module);
    if (!url.startsWith('file:'))
      throw new MillraceError(
        'ERR_USAGE',
        'a definition needs `module: import.meta.url`, and is the default export of that module: each thread loads it from there',
      );
    known.set(url, check(type, url));
    return url;
  }

  /** What concerns the whole pipeline, such as `metrics`, `drain`, `deadLetters` and `failOn`. */
  with(options: PipelineSettings): this {
    this.#rest = { ...this.#rest, ...options };
    return this;
  }

  /** The checked description. Throws a ConfigError that lists every mistake. */
  spec(options: Pick<BuildOptions, 'baseDir'> = {}): PipelineSpec {
    const stages = Object.keys(this.#stages).length ? { stages: this.#stages } : {};
    const object = { version: 1, name: this.#name, ...this.#rest, sources: this.#sources, ...stages, sinks: this.#sinks };
    const registries = { ...BUILTIN, ...this.#given };
    return specFromObject(object, { registries, ...(options.baseDir === undefined ? {} : { baseDir: options.baseDir }) });
  }

  build(options: BuildOptions = {}): Pipeline {
    refuseOthers('build()', options, ['baseDir', 'logger']);
    return new Pipeline(this.spec(options), options.logger ? { logger: options.logger } : {});
  }
}

/** Begins a pipeline: `pipeline('name').source(...).stage(...).sink(...).build()`. */
export function pipeline(name: string): PipelineBuilder {
  return new PipelineBuilder(name);
}
