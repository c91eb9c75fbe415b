import type { Codec } from '../codecs/codec.js';
import type { EgressDefinition } from '../egress/egress.js';
import type { IngressDefinition } from '../ingress/ingress.js';
import type { OperatorDefinition } from '../operators/operator.js';

/** The names that a pipeline can use. The built-in ones are in `builtin-registries.ts`; the builder adds its own. */
export interface Registries {
  // biome-ignore-start lint/suspicious/noExplicitAny: options are checked against each schema before they reach a definition
  readonly sources: ReadonlyMap<string, IngressDefinition<any>>;
  readonly sinks: ReadonlyMap<string, EgressDefinition<any>>;
  readonly operators: ReadonlyMap<string, OperatorDefinition<any>>;
  // biome-ignore-end lint/suspicious/noExplicitAny: see above
  readonly codecs: ReadonlyMap<string, Codec>;
}
