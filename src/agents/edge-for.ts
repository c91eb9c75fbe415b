import type { FrameView } from '../frame/frame-view.js';
import type { Route } from '../pipeline/routes.js';

/** The edge over which a frame goes by a route, as an index into the plan's: where there are several, the producer chooses. */
export function edgeFor(route: Route, _frame: FrameView): number {
  return route.edges[0]!;
}
