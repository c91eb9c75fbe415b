import type { Logger } from '../errors/logger.js';
import { specFromObject } from '../spec/load.js';
import type { OperatorTypes, PipelineSettings, SinkTypes, SourceTypes, StageSettings } from '../spec/option-types.js';
import type { PipelineSpec } from '../spec/spec.js';
import { Pipeline } from './pipeline.js';
import { refuseOthers } from './refuse-others.js';

/** The options of a source: those of its `type`, and those that all sources share. */
export type SourceOptions = SourceTypes[keyof SourceTypes];

/** The options of a sink: those of its `type`, and those that all sinks share. */
export type SinkOptions = SinkTypes[keyof SinkTypes];

/** The path of an operator module, as in the pipeline file. */
export type ModulePath = `./${string}` | `../${string}` | `/${string}` | `file:${string}`;

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
  // Without a prototype, so that every name is a key, and an invalid name is refused as such.
  readonly #sources: Record<string, SourceOptions> = Object.create(null);
  readonly #stages: Record<string, object> = Object.create(null);
  readonly #sinks: Record<string, SinkOptions> = Object.create(null);
  #rest: Record<string, unknown> = {};

  constructor(name: string) {
    this.#name = name;
  }

  source(name: string, options: SourceOptions): this {
    this.#sources[name] = options;
    return this;
  }

  stage(name: string, options: StageOptions): this {
    const operators = options.operators?.map((one) => (one.type instanceof URL ? { ...one, type: one.type.href } : one));
    this.#stages[name] = { ...options, ...(operators ? { operators } : {}) };
    return this;
  }

  sink(name: string, options: SinkOptions): this {
    this.#sinks[name] = options;
    return this;
  }

  /** Settings of the whole pipeline, such as `metrics`, `drain`, `deadLetters` and `failOn`. */
  with(options: PipelineSettings): this {
    this.#rest = { ...this.#rest, ...options };
    return this;
  }

  /** The checked description. Throws a ConfigError that lists every mistake. */
  spec(options: Pick<BuildOptions, 'baseDir'> = {}): PipelineSpec {
    const stages = Object.keys(this.#stages).length ? { stages: this.#stages } : {};
    const object = { version: 1, name: this.#name, ...this.#rest, sources: this.#sources, ...stages, sinks: this.#sinks };
    return specFromObject(object, options.baseDir === undefined ? {} : { baseDir: options.baseDir });
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
