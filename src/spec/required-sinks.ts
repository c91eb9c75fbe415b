import type { EdgeSpec } from './spec.js';

type Nodes<T> = Readonly<Record<string, T>>;

/**
 * Which sinks are required. What the author says holds. Else a sink is required, unless an edge on a way to it drops and
 * every source of its frames also reaches a sink that is required: then it is a preview, and its drops are no lost data.
 */
export function requiredSinks(
  stages: Nodes<EdgeSpec>,
  sinks: Nodes<EdgeSpec>,
  given: (sink: string) => boolean | undefined,
): Map<string, boolean> {
  const reach = new Map(Object.entries(sinks).map(([name, edge]) => [name, sourcesOf(stages, edge)]));
  const drops = (name: string): boolean => [...reach.get(name)!.values()].some((dropping) => dropping);
  const certain = Object.keys(sinks).filter((name) => given(name) ?? !drops(name));
  const isCovered = (source: string): boolean => certain.some((name) => reach.get(name)!.has(source));
  return new Map(Object.keys(sinks).map((name) => [name, given(name) ?? (!drops(name) || ![...reach.get(name)!.keys()].every(isCovered))]));
}

/** The sources whose frames come over an edge, and whether an edge on one of the ways drops. */
function sourcesOf(stages: Nodes<EdgeSpec>, edge: EdgeSpec): Map<string, boolean> {
  const found = new Map<string, boolean>();
  // A node is gone through once for each: behind an edge that drops, and not.
  const seen = new Set<string>();
  const walk = ({ from, overflow }: EdgeSpec, before: boolean): void => {
    const dropping = before || overflow.kind !== 'block';
    for (const name of from) {
      const key = `${dropping} ${name}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const stage = Object.hasOwn(stages, name) ? stages[name] : undefined;
      if (stage) walk(stage, dropping);
      else found.set(name, (found.get(name) ?? false) || dropping);
    }
  };
  walk(edge, false);
  return found;
}
