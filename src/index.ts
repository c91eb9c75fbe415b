/**
 * Millrace: frames from instruments, reduced on every core in shared memory, handed on with every frame accounted for.
 *
 *     detector, broker, file, program
 *          |
 *       ingress thread ----> [edge] ----> operator workers ----> [edge] ----> egress thread ----> broker, file, program
 *          |                                 (a pool)                              |
 *          '----------------------- one shared memory (slots) --------------------'
 *                        main thread: plan, supervise, ledger, metrics
 *
 * `pipeline()` puts one together in code, `loadPipeline()` reads a file; either way a `Pipeline` runs it.
 */

export type { Codec } from './codecs/codec.js';
export { ControlServer, type ControlServerOptions } from './control/control-server.js';
export type { EgressDefinition as SinkDefinition } from './egress/egress.js';
export { ERRORS, type ErrorCode, EXIT, MillraceError, type Place } from './errors/errors.js';
export type { Logger } from './errors/logger.js';
export type { DType, TypedArray } from './frame/dtype.js';
export type { Frame, Meta, MutableFrame } from './frame/frame.js';
export type { Series, SeriesEnding } from './frame/series.js';
export type { IngressDefinition as SourceDefinition } from './ingress/ingress.js';
export type { FailOn } from './observe/fail-on.js';
export type {
  DeadLetterReport,
  Finding,
  FrameIds,
  Ledger,
  Progress,
  Report,
  SeriesReport,
  SinkReport,
  SourceReport,
  StageReport,
  UnreadableReport,
  Verdict,
} from './observe/report.js';
export {
  type BuildOptions,
  type CodecOption,
  type ModuleOperatorOptions,
  type ModulePath,
  type ModuleSinkOptions,
  type ModuleSourceOptions,
  type OperatorOptions,
  PipelineBuilder,
  pipeline,
  type SinkOptions,
  type SourceOptions,
  type StageOptions,
} from './run/builder.js';
export { Pipeline, type PipelineOptions } from './run/pipeline.js';
export { type PushFrame, PushSource } from './run/push-source.js';
export { type OwnFrame, SinkReader } from './run/sink-reader.js';
export type { UpdateResult } from './run/updater.js';
export { ConfigError } from './spec/config-error.js';
export { loadPipeline, parsePipeline, specFromObject } from './spec/load.js';
export type { OperatorTypes, PipelineSettings, SinkTypes, SourceTypes, StageSettings } from './spec/option-types.js';
export type { PipelineSpec } from './spec/spec.js';
