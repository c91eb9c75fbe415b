import { EXIT } from '../errors/errors.js';
import type { PlanWithTables } from '../plan/draft.js';
import type { Plan } from '../plan/plan-types.js';
import { loadPipeline } from '../spec/load.js';
import type { PipelineSpec } from '../spec/spec.js';
import type { CliContext } from './context.js';

/**
 * `millrace validate FILE`: checks the file, its links and promises, then plans it, for which operators read their
 * files.
 */
export async function validate(
  file: string,
  options: { readonly set?: readonly string[]; readonly json?: boolean },
  { output }: CliContext,
): Promise<number> {
  const spec = await loadPipeline(file, { set: options.set ?? [] });
  const { plan } = await import('../plan/plan.js');
  const planned = await plan(spec);
  const arenaBytes = planned.plan.bytes;
  const notes = [...sizesOf(spec, planned.plan), ...notesOf(planned.stages)];
  const counts = {
    sources: Object.keys(spec.sources).length,
    stages: Object.keys(spec.stages).length,
    sinks: Object.keys(spec.sinks).length,
  };
  if (options.json) output.out(JSON.stringify({ ok: true, file, name: spec.name, ...counts, arenaBytes, notes }));
  else {
    output.out(
      `${file}: valid (sources: ${counts.sources}, stages: ${counts.stages}, sinks: ${counts.sinks}; shared memory: ${(arenaBytes / 2 ** 20).toFixed(1)} MiB)`,
    );
    for (const { source, stage, operator, note } of notes)
      output.out(source === undefined ? `  stage '${stage}', ${operator}: ${note}` : `  source '${source}': ${note}`);
  }
  return EXIT.done;
}

interface Note {
  readonly source?: string;
  readonly stage?: string;
  readonly operator?: string;
  readonly note: string;
}

/** The sizes that the plan chose for sources that neither know nor declare the size of their frames. */
function sizesOf(spec: PipelineSpec, { sources }: Plan): Note[] {
  return sources.flatMap(({ name, maxFrameBytes, shape }) =>
    spec.sources[name]?.maxFrameBytes !== undefined || shape !== undefined
      ? []
      : [{ source: name, note: `takes frames of up to ${maxFrameBytes / 2 ** 20} MiB; set maxFrame to change the limit` }],
  );
}

/** The notes of the operators on how they treat frames. */
function notesOf(stages: PlanWithTables['stages']): Note[] {
  return [...stages].flatMap(([stage, { operators }]) =>
    operators.flatMap(({ type, prepared }) => (prepared.notes ?? []).map((note) => ({ stage, operator: type, note }))),
  );
}
