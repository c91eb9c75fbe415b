import { EXIT } from '../errors/errors.js';
import { sizeText } from '../memory/size-text.js';
import { FRAME_SIZES } from '../plan/choose-sizes.js';
import type { PlanWithTables } from '../plan/draft.js';
import { ORIGINS } from '../plan/memory-budget.js';
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
  const notes = [...sizesOf(spec, planned), ...notesOf(planned.stages)];
  const counts = {
    sources: Object.keys(spec.sources).length,
    stages: Object.keys(spec.stages).length,
    sinks: Object.keys(spec.sinks).length,
  };
  if (options.json) output.out(JSON.stringify({ ok: true, file, name: spec.name, ...counts, arenaBytes, memory: planned.budget, notes }));
  else {
    output.out(
      `${file}: valid (sources: ${counts.sources}, stages: ${counts.stages}, sinks: ${counts.sinks}; shared memory: ${memoryText(planned)})`,
    );
    for (const { source, stage, operator, note } of notes) {
      const subject = source !== undefined ? `source '${source}': ` : stage !== undefined ? `stage '${stage}', ${operator}: ` : '';
      output.out(`  ${subject}${note}`);
    }
  }
  return EXIT.done;
}

interface Note {
  readonly source?: string;
  readonly stage?: string;
  readonly operator?: string;
  readonly note: string;
}

/** What the pipeline needs of its budget. */
function memoryText({ plan, budget }: PlanWithTables): string {
  return `${sizeText(plan.bytes)} of at most ${sizeText(budget.bytes)}, ${ORIGINS[budget.origin]}`;
}

/** The sizes that the plan chose, and why. */
function sizesOf(spec: PipelineSpec, { plan, tightness }: PlanWithTables): Note[] {
  const notes: Note[] = [];
  for (const { name, maxFrameBytes, shape } of plan.sources) {
    if (spec.sources[name]?.maxFrameBytes !== undefined || shape !== undefined) continue;
    const fits = maxFrameBytes < FRAME_SIZES[0]! ? ', the largest that the memory allows' : '';
    notes.push({ source: name, note: `takes frames of up to ${sizeText(maxFrameBytes)}${fits}; set maxFrame to change the limit` });
  }
  for (const { node, kind, limit } of plan.edges) {
    const given = spec.stages[node] ?? spec.sinks[node]!;
    if (kind === 'fifo' && !given.capacityGiven && limit < given.capacity)
      notes.push({ note: `'${node}': capacity ${limit} instead of ${given.capacity}, to fit the memory` });
  }
  if (tightness.fewSlots)
    notes.push({ note: 'pools have the fewest slots, to fit the memory: sources and stages wait for one more often' });
  return notes;
}

/** The notes of the operators on how they treat frames. */
function notesOf(stages: PlanWithTables['stages']): Note[] {
  return [...stages].flatMap(([stage, { operators }]) =>
    operators.flatMap(({ type, prepared }) => (prepared.notes ?? []).map((note) => ({ stage, operator: type, note }))),
  );
}
