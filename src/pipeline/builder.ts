import type { Logger } from '../errors/logger.js';
import type { FailOn } from '../observe/fail-on.js';
import { specFromObject } from './load.js';
import { Pipeline } from './pipeline.js';
import { refuseOthers } from './refuse-others.js';
import type { PipelineSpec } from './spec.js';

/** A number of bytes, or text such as `'16MiB'`. */
type ByteSize = number | string;
type Names = string | readonly string[];
type OverflowOption = 'block' | 'drop-newest' | 'drop-oldest' | 'latest' | { readonly sample: number };

/** What describes the edge into a stage or sink; the defaults are those of the pipeline file. */
export interface EdgeOptions {
  readonly from: Names;
  readonly overflow?: OverflowOption;
  readonly capacity?: number;
  readonly order?: 'preserve' | 'none';
  readonly window?: number;
}

export interface SourceOptions {
  readonly type: string;
  readonly codec?: string;
  readonly maxFrame?: ByteSize;
  readonly slots?: number;
  readonly seriesTimeoutMs?: number;
  /** Small messages travel as records of parcels of `bytes` (64KiB), which a record waits for at most `waitUs` (500). */
  readonly parcel?: { readonly bytes?: ByteSize; readonly waitUs?: number };
  /** The options of the type (`millrace list sources`). */
  readonly [option: string]: unknown;
}

export interface OperatorOptions {
  readonly type: string;
  /** The parameters of the operator (`millrace list operators`). */
  readonly [parameter: string]: unknown;
}

export interface StageOptions extends EdgeOptions {
  readonly workers?: number;
  readonly exclusive?: boolean;
  readonly key?: 'source' | { readonly ordinal: number } | { readonly meta: string };
  readonly deterministic?: boolean;
  readonly shards?: number;
  readonly attempts?: number;
  readonly stallMs?: number;
  readonly setupMs?: number;
  readonly concurrency?: number;
  readonly slots?: number;
  readonly operators: readonly OperatorOptions[];
}

export interface SinkOptions extends EdgeOptions {
  readonly type: string;
  readonly codec?: string;
  readonly required?: boolean;
  /** The options of the type (`millrace list sinks`). */
  readonly [option: string]: unknown;
}

export interface BuildOptions {
  /** Folder against which relative paths are resolved. Default: the working directory. */
  readonly baseDir?: string;
  /** pino's shape. Nothing is logged without one. */
  readonly logger?: Logger;
}

/** Puts a pipeline together in code: the same description as the file, checked by the same rules when it is built. */
export class PipelineBuilder {
  readonly #name: string;
  readonly #sources: Record<string, SourceOptions> = {};
  readonly #stages: Record<string, StageOptions> = {};
  readonly #sinks: Record<string, SinkOptions> = {};
  #rest: Record<string, unknown> = {};

  constructor(name: string) {
    this.#name = name;
  }

  source(name: string, options: SourceOptions): this {
    this.#sources[name] = options;
    return this;
  }

  stage(name: string, options: StageOptions): this {
    this.#stages[name] = options;
    return this;
  }

  sink(name: string, options: SinkOptions): this {
    this.#sinks[name] = options;
    return this;
  }

  /** `metrics`, `drain`, `deadLetters` and `failOn`, as in the file. */
  with(options: {
    readonly metrics?: { readonly port: number; readonly host?: string };
    readonly drain?: { readonly deadlineMs: number };
    readonly deadLetters?: { readonly directory: string; readonly maxFiles?: number };
    readonly failOn?: 'none' | FailOn | readonly FailOn[];
  }): this {
    this.#rest = { ...this.#rest, ...options };
    return this;
  }

  /** The checked description. Throws a ConfigError that lists everything that is wrong. */
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
