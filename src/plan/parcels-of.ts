import { MillraceError } from '../errors/errors.js';
import { MAX_PARCEL_BYTES, recordsOf } from '../frame/parcel-layout.js';
import { isJoin } from '../spec/join-stage.js';
import type { PipelineSpec } from '../spec/spec.js';
import type { ParcelsHere } from './draft.js';
import type { PlanIssues } from './plan-issues.js';
import type { SourceRoutes } from './routes.js';

const MIN_PARCEL_BYTES = 4096;
/** Size of a stage's slot, in parcels. */
const GROWTH = 8;

/** The nodes that parcels reach, with the largest that may come. */
export function parcelsOf(spec: PipelineSpec, routes: readonly SourceRoutes[], issues: PlanIssues): Map<string, ParcelsHere> {
  const parcels = new Map<string, ParcelsHere>();
  for (const [index, [name, { parcel, place }]] of Object.entries(spec.sources).entries()) {
    if (!parcel) continue;
    if (parcel.bytes < MIN_PARCEL_BYTES || parcel.bytes > MAX_PARCEL_BYTES) {
      const message = `source '${name}': a parcel has ${MIN_PARCEL_BYTES} to ${MAX_PARCEL_BYTES} bytes, not ${parcel.bytes}`;
      issues.add(new MillraceError('ERR_CONFIG_PROMISE', message, place ? { place } : {}));
    }
    for (const node of new Set(routes[index]!.paths.flat())) {
      const stage = spec.stages[node];
      if (isJoin(stage)) {
        const message = `stage '${node}' joins frames by their ordinals and numbers, and '${name}' sends parcels of many: leave out its parcel`;
        issues.add(new MillraceError('ERR_CONFIG_PROMISE', message, stage?.place ? { place: stage.place } : {}));
      }
      const before = parcels.get(node);
      parcels.set(node, {
        maxRecords: Math.max(before?.maxRecords ?? 0, recordsOf(parcel.bytes)),
        bytes: Math.max(before?.bytes ?? 0, parcel.bytes),
      });
    }
  }
  return parcels;
}

/** What operators make of records may be larger than these; a record whose outputs find no room is dead as `operator-output`. */
export function slotForParcels(spec: PipelineSpec, owner: string, parcels: ReadonlyMap<string, ParcelsHere>): number {
  const source = spec.sources[owner];
  return source ? (source.parcel?.bytes ?? 0) : GROWTH * (parcels.get(owner)?.bytes ?? 0);
}
