/** `millrace/source`: what a source module needs (docs/guide/your-connector.md). */
export type { Codec, DecodedFrame } from './codecs/codec.js';
export type { Logger } from './errors/logger.js';
export type { OptionIssue } from './errors/option-issue.js';
export type { DType } from './frame/dtype.js';
export type { FrameHeader, Meta } from './frame/frame.js';
export type { SeriesMessage } from './frame/series.js';
export {
  defineSource,
  type FrameWriter,
  type Ingress as Source,
  type IngressContext as SourceContext,
  type IngressDefinition as SourceDefinition,
  type OpenSlot,
  type RefuseReason,
  type SourcePlan,
} from './ingress/ingress.js';
