import { MillraceError } from '../errors/errors.js';
import { ARENA_MAX_BYTES } from '../memory/arena.js';
import { sizeFor, sizeText } from '../memory/size-text.js';
import type { PipelineSpec } from '../spec/spec.js';
import type { PlanWithTables } from './draft.js';
import { type MemoryBudget, ORIGINS } from './memory-budget.js';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
/** Halvings tried of a value that the pipeline gives. */
const HALVINGS = 16;
const SUGGESTIONS = 3;

/** A number that the pipeline gives, and that a smaller arena could do with less of. */
interface Setting {
  readonly path: string;
  readonly value: number;
  readonly least: number;
  readonly isBytes: boolean;
  /** The pipeline with another value. */
  with(spec: PipelineSpec, value: number): PipelineSpec;
}

/** Lays a pipeline out with the smallest sizes for all that it does not give. */
type Tightest = (spec: PipelineSpec) => Promise<PlanWithTables>;

/** The error for a pipeline that does not fit the budget: what it needs at least, and the settings that would help most. */
export async function tooLarge(spec: PipelineSpec, budget: MemoryBudget, tightest: Tightest): Promise<MillraceError> {
  const needed = (await tightest(spec)).plan.bytes;
  const remedies = await remediesOf(spec, needed, budget, tightest);
  const message =
    `the pipeline needs at least ${sizeText(needed)} of shared memory, and the budget is ${sizeText(budget.bytes)} ` +
    `(${ORIGINS[budget.origin]})${remedies.length > 0 ? `. Set ${remedies.join(', or ')}` : ''}`;
  return new MillraceError('ERR_CONFIG_MEMORY', message);
}

async function remediesOf(spec: PipelineSpec, needed: number, budget: MemoryBudget, tightest: Tightest): Promise<string[]> {
  const remedies = needed <= ARENA_MAX_BYTES ? [`memory: ${sizeFor(needed)}`] : [];
  const settings = settingsOf(spec);
  const found: { text: string; halvings: number }[] = [];
  for (const setting of settings) {
    const fit = await largestFit([setting], (changed) => fits(changed, budget, tightest), spec);
    if (fit) found.push({ text: textOf(setting, fit), halvings: fit });
  }
  found.sort((a, b) => a.halvings - b.halvings);
  remedies.push(...found.slice(0, SUGGESTIONS - remedies.length).map(({ text }) => text));
  if (found.length > 0 || settings.length < 2) return remedies;
  // No setting is enough by itself: the largest of them together.
  const several = settings.slice(0, SUGGESTIONS);
  const fit = await largestFit(several, (changed) => fits(changed, budget, tightest), spec);
  return fit ? [...remedies, several.map((setting) => textOf(setting, fit)).join(' and ')] : remedies;
}

async function fits(spec: PipelineSpec, budget: MemoryBudget, tightest: Tightest): Promise<boolean> {
  try {
    return (await tightest(spec)).plan.bytes <= budget.bytes;
  } catch (thrown) {
    // Fewer slots than a stage needs, for example.
    if (thrown instanceof MillraceError) return false;
    throw thrown;
  }
}

/** How often the values must be halved until the pipeline fits; undefined where it never does. */
async function largestFit(
  settings: readonly Setting[],
  fitsWith: (spec: PipelineSpec) => Promise<boolean>,
  spec: PipelineSpec,
): Promise<number | undefined> {
  for (let halvings = 1; halvings <= HALVINGS; halvings++) {
    if (settings.every((setting) => setting.value === setting.least)) return undefined;
    if (await fitsWith(settings.reduce((changed, setting) => setting.with(changed, halved(setting, halvings)), spec))) return halvings;
    if (settings.every((setting) => halved(setting, halvings) === setting.least)) return undefined;
  }
}

const halved = ({ value, least }: Setting, halvings: number): number => Math.max(least, Math.floor(value / 2 ** halvings));

const textOf = (setting: Setting, halvings: number): string => {
  const value = halved(setting, halvings);
  return `${setting.path}: ${setting.isBytes ? byteText(value) : value}`;
};

/** The numbers that the pipeline gives, those of large frames first. */
function settingsOf({ sources, stages, sinks }: PipelineSpec): Setting[] {
  const settings: Setting[] = [];
  const bySize = Object.entries(sources).sort(([, a], [, b]) => (b.maxFrameBytes ?? 0) - (a.maxFrameBytes ?? 0));
  for (const [name, { maxFrameBytes, slots }] of bySize) {
    if (maxFrameBytes !== undefined)
      settings.push(setting('sources', name, 'maxFrame', 'maxFrameBytes', maxFrameBytes, Math.min(maxFrameBytes, KIB)));
    if (slots !== undefined) settings.push(setting('sources', name, 'slots', 'slots', slots, 1));
  }
  for (const [section, nodes] of [
    ['stages', stages],
    ['sinks', sinks],
  ] as const) {
    for (const [name, node] of Object.entries(nodes)) {
      if (node.capacityGiven) settings.push(setting(section, name, 'capacity', 'capacity', node.capacity, 1));
      if (node.window !== undefined) settings.push(setting(section, name, 'window', 'window', node.window, 1));
      if ('slots' in node && node.slots !== undefined) settings.push(setting(section, name, 'slots', 'slots', node.slots, 1));
    }
  }
  return settings;
}

function setting(section: 'sources' | 'stages' | 'sinks', name: string, key: string, field: string, value: number, least: number): Setting {
  return {
    path: `${section}.${name}.${key}`,
    value,
    least,
    isBytes: key === 'maxFrame',
    with: (spec, changed) => ({ ...spec, [section]: { ...spec[section], [name]: { ...spec[section][name]!, [field]: changed } } }),
  };
}

/** As a value of the pipeline file. */
const byteText = (bytes: number): string =>
  bytes % MIB === 0 ? `${bytes / MIB}MiB` : bytes % KIB === 0 ? `${bytes / KIB}KiB` : String(bytes);
