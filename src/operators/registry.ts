import { accumulate } from './accumulate.js';
import { correctFlat } from './correct-flat.js';
import { integrateAzimuthal } from './integrate-azimuthal.js';
import { join } from './join.js';
import { mask } from './mask.js';
import type { OperatorDefinition } from './operator.js';
import { rebin } from './rebin.js';
import { roiStats } from './roi-stats.js';
import { subtractDark } from './subtract-dark.js';
import { threshold } from './threshold.js';
import { toImage } from './to-image.js';
import { veto } from './veto.js';

/** The operators that ship with Millrace, by type. */
// Parameters are checked against each schema before they reach an operator, so the entries may differ in their type.
// biome-ignore lint/suspicious/noExplicitAny: see above
export const OPERATORS: ReadonlyMap<string, OperatorDefinition<any>> = new Map(
  [accumulate, correctFlat, integrateAzimuthal, join, mask, rebin, roiStats, subtractDark, threshold, toImage, veto].map((definition) => [
    definition.type,
    definition,
  ]),
);
