import { unlink } from 'node:fs/promises';
import type { LetterHeader } from '../../dead-letters/letter.js';
import { readLetter, readLetterHeader } from '../../dead-letters/letter-file.js';
import { asMillraceError, EXIT, MillraceError } from '../../errors/errors.js';
import { byteLength } from '../../frame/dtype.js';
import { encodeMeta } from '../../frame/frame-view.js';
import { MAX_META_BYTES } from '../../frame/slot-layout.js';
import type { FailOn } from '../../observe/fail-on.js';
import type { OutcomeName } from '../../observe/outcome.js';
import type { Report } from '../../observe/report.js';
import type { Pipeline } from '../../run/pipeline.js';
import { loadPipeline } from '../../spec/load.js';
import { type ReplayedFrames, replaySpec } from '../../spec/replay-spec.js';
import type { PipelineSpec } from '../../spec/spec.js';
import type { CliContext } from '../context.js';
import { withFailOn } from '../fail-on-option.js';
import type { OutputOptions } from '../output-options.js';
import { printable } from '../printable.js';
import { RunOutput } from '../run-output.js';
import { letterPaths } from './letter-paths.js';

export interface ReplayOptions extends OutputOptions {
  readonly pipeline: string;
  readonly source?: string;
  readonly set?: readonly string[];
  readonly failOn?: readonly FailOn[];
}

/** One letter and its outcome. `reason`: why the letter remains; undefined as long as the outcome is unknown. */
interface Replayed {
  readonly file: string;
  readonly header: LetterHeader;
  outcome?: OutcomeName;
  reason?: string;
}

/** The numbers of letters have gaps, which must not fail a replay. */
const REPLAY_FAILS_ON: readonly FailOn[] = ['dead'];
/** Number of frames for which a run keeps outcomes. */
const MAX_LETTERS = 65_536;
const DONE: ReadonlySet<OutcomeName | undefined> = new Set(['delivered', 'filtered', 'merged']);
/** Reasons of messages that did not become frames and so have no ordinal. */
const REFUSED = ['malformed', 'wrong-parts', 'too-large'];

/** `millrace dlq replay DIR|FILE... --pipeline FILE`: 0 when every letter was delivered and removed. */
export async function replayLetters(paths: readonly string[], options: ReplayOptions, context: CliContext): Promise<number> {
  const { output, signal, force } = context;
  const spec = withFailOn(await loadPipeline(options.pipeline, { set: options.set ?? [] }), options.failOn ?? REPLAY_FAILS_ON);
  const files = await letterPaths(paths);
  if (files.length === 0) {
    output.out(options.json ? JSON.stringify({ ok: true, removed: [], stayed: [] }) : 'no dead letters to replay');
    return EXIT.done;
  }
  if (files.length > MAX_LETTERS)
    throw new MillraceError('ERR_USAGE', `a replay takes at most ${MAX_LETTERS} letters, not ${files.length}`);
  const stayed: { file: string; reason: string }[] = [];
  const bySource = new Map<string, Replayed[]>();
  for (const file of files) {
    try {
      const header = await readLetterHeader(file);
      const name = options.source ?? header.source;
      const letters = bySource.get(name);
      if (letters) letters.push({ file, header });
      else bySource.set(name, [{ file, header }]);
    } catch (error) {
      stayed.push({ file, reason: asMillraceError(error, 'ERR_FORMAT').message });
    }
  }
  check(spec, bySource, output.err);
  const { Pipeline } = await import('../../run/pipeline.js');
  const shown = new RunOutput(output, options);
  const pipeline = new Pipeline(await replaySpec(spec, framesOf(bySource)), { logger: shown.log });
  force?.addEventListener('abort', () => void pipeline.abort(), { once: true });
  context.readerGone?.addEventListener('abort', () => void pipeline.outputGone(), { once: true });
  await pipeline.start({ signal });
  const hide = shown.showProgress(() => pipeline.progress());
  const feeding = Object.keys(spec.sources).map((name) => feed(pipeline, name, (bySource.get(name) ?? []).sort(byOrdinal)));
  const report = await pipeline.closed.finally(hide);
  for (const [i, name] of Object.keys(spec.sources).entries()) judge(pipeline, name, await feeding[i]!, report);

  const removed: string[] = [];
  for (const { file, reason } of [...bySource.values()].flat()) {
    const kept = reason ?? (await remove(file));
    if (kept === undefined) removed.push(file);
    else stayed.push({ file, reason: kept });
  }
  tell(report, removed, stayed, options, context, spec, shown);
  return stayed.length === 0 && report.ok ? EXIT.done : EXIT.failed;
}

/**
 * Throws ERR_USAGE when letters name a source that the pipeline lacks. Warns where a letter does not hold a frame of a
 * source.
 */
function check(spec: PipelineSpec, bySource: ReadonlyMap<string, readonly Replayed[]>, warn: (line: string) => void): void {
  for (const [name, letters] of bySource) {
    if (!Object.hasOwn(spec.sources, name))
      throw new MillraceError(
        'ERR_USAGE',
        `the pipeline has no source '${printable(name)}', which ${letters.length} of the letters name: give --source NAME`,
      );
    for (const node of new Set(letters.map(({ header }) => header.node))) {
      const taker = Object.hasOwn(spec.stages, node) ? spec.stages[node] : Object.hasOwn(spec.sinks, node) ? spec.sinks[node] : undefined;
      if (taker && !taker.from.includes(name))
        warn(`millrace: warning: letters of '${node}' hold its input from '${taker.from.join("', '")}'; they enter as frames of '${name}'`);
    }
  }
}

function framesOf(bySource: ReadonlyMap<string, readonly Replayed[]>): Map<string, ReplayedFrames> {
  const frames = new Map<string, ReplayedFrames>();
  for (const [name, letters] of bySource) {
    const { shape, dtype } = letters[0]!.header;
    const sameShape = letters.every(({ header }) => header.shape.length > 0 && String(header.shape) === String(shape));
    const sameDtype = letters.every(({ header }) => header.dtype === dtype);
    const maxBytes = letters.reduce((most, { header }) => Math.max(most, byteLength(header.dtype, header.shape)), 0);
    frames.set(name, { maxBytes, shape: sameShape ? shape : undefined, dtype: sameDtype ? dtype : undefined });
  }
  return frames;
}

function byOrdinal({ header: a, file }: Replayed, { header: b, file: other }: Replayed): number {
  return a.ordinal - b.ordinal || a.index - b.index || (a.time < b.time ? -1 : a.time > b.time ? 1 : file < other ? -1 : 1);
}

/**
 * Pushes the frames of the letters one after another. Returns those that the pipeline took, in the order of their new
 * ordinals.
 */
async function feed(pipeline: Pipeline, name: string, letters: readonly Replayed[]): Promise<Replayed[]> {
  const source = pipeline.source(name);
  const taken: Replayed[] = [];
  for (const letter of letters) {
    try {
      const { dtype, shape, sequence, timestamp, meta, data } = await readLetter(letter.file);
      if (encodeMeta(meta).length > MAX_META_BYTES)
        throw new MillraceError('ERR_FORMAT', `its meta exceeds the ${MAX_META_BYTES} bytes of a slot`);
      await source.push({
        data,
        dtype,
        shape,
        meta,
        ...(sequence === undefined ? {} : { sequence }),
        ...(timestamp === undefined ? {} : { timestamp }),
      });
      taken.push(letter);
    } catch (error) {
      const known = asMillraceError(error, 'ERR_CLOSED');
      letter.reason = known.code === 'ERR_CLOSED' ? 'the run ended before taking it' : known.message;
    }
  }
  source.end();
  return taken;
}

/** Determines the outcome of each frame that was taken. */
function judge(pipeline: Pipeline, name: string, taken: readonly Replayed[], report: Report): void {
  const { dead = {} } = report.sources[name]?.ledger ?? {};
  const refused = REFUSED.some((reason) => (dead[reason] ?? 0) > 0);
  const outcomes = pipeline.outcomes(name, taken.length);
  for (const [i, letter] of taken.entries()) {
    const outcome = outcomes[i];
    if (refused) letter.reason = 'the source refused a frame; which one is unknown';
    else if (!DONE.has(outcome)) letter.reason = outcome ?? 'in flight';
    else if (outcome === 'merged' && dead['partial-lost']) letter.reason = 'it may have been part of a lost aggregate';
  }
}

async function remove(file: string): Promise<string | undefined> {
  try {
    await unlink(file);
    return undefined;
  } catch (error) {
    return `it was delivered, but its file cannot be removed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function tell(
  report: Report,
  removed: readonly string[],
  stayed: readonly { file: string; reason: string }[],
  { json, silent }: ReplayOptions,
  { output }: CliContext,
  spec: PipelineSpec,
  shown: RunOutput,
): void {
  shown.log.close();
  if (json) {
    output.out(JSON.stringify({ ok: stayed.length === 0 && report.ok, removed, stayed, report }));
    return;
  }
  for (const { file, reason } of stayed) output.err(`millrace: ${printable(`${file}: stays: ${reason}`)}`);
  if (silent) return;
  // A sink that prints uses stdout alone.
  const prints = Object.values(spec.sinks).some(({ type }) => type === 'print');
  shown.summarize(report, prints);
  (prints ? output.err : output.out)(`dead letters: ${removed.length} delivered and removed, ${stayed.length} kept`);
}
