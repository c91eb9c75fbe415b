/** `millrace/sink`: what a sink module needs (docs/guide/your-connector.md). */
export type { Codec } from './codecs/codec.js';
export {
  type Delivery,
  type DeliveryPromise,
  defineSink,
  type Egress as Sink,
  type EgressContext as SinkContext,
  type EgressDefinition as SinkDefinition,
  type HoldFrame,
  type RefusedReason,
} from './egress/egress.js';
export type { Logger } from './errors/logger.js';
export type { OptionIssue } from './errors/option-issue.js';
export type { DType, TypedArray } from './frame/dtype.js';
export type { Frame, Meta } from './frame/frame.js';
export type { Series } from './frame/series.js';
