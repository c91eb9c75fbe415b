import { asMillraceError } from '../../errors/errors.js';
import { SILENT } from '../../errors/logger.js';
import type { Report } from '../../observe/report.js';
import type { Pipeline } from '../../run/pipeline.js';
import { replaySpec } from '../../spec/replay-spec.js';
import type { EdgeSpec, PipelineSpec, SinkSpec } from '../../spec/spec.js';
import type { CaseFrame } from './case-frames.js';
import { compareLedger, compareSink, type Difference } from './compare.js';
import type { TestCase } from './test-file.js';

interface Collected extends CaseFrame {
  readonly source: string;
  readonly ordinal: number;
}

/** Runs one case in a pipeline of its own. Rejects only when `signal` ends it. */
export async function runCase(spec: PipelineSpec, test: TestCase, signal: AbortSignal): Promise<Difference[]> {
  const { Pipeline } = await import('../../run/pipeline.js');
  const pipeline = new Pipeline(await testSpec(spec, test), { logger: SILENT });
  try {
    await pipeline.start({ signal });
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asMillraceError(thrown, 'ERR_STATE');
    return [{ kind: 'run', message: `the pipeline failed to start: ${error.message} [${error.code}]` }];
  }
  const collecting = Object.keys(spec.sinks).map(async (name) => [name, await collect(pipeline, name)] as const);
  const feeding = Object.keys(spec.sources).map((name) => feed(pipeline, name, test.sources.get(name) ?? []));
  const report = await pipeline.closed;
  signal.throwIfAborted();
  const refused = (await Promise.all(feeding)).flat();
  const order = Object.keys(spec.sources);
  const found = new Map(await Promise.all(collecting));
  return [
    ...refused,
    ...failures(report, test),
    ...Object.entries(test.sinks).flatMap(([name, expected]) => {
      // Branches and workers may deliver in a different order each time.
      const frames = [...(found.get(name) ?? [])].sort(
        (a, b) => order.indexOf(a.source) - order.indexOf(b.source) || a.ordinal - b.ordinal,
      );
      return compareSink(name, expected, frames);
    }),
    ...Object.entries(test.ledger).flatMap(([name, expected]) => compareLedger(name, expected, report.sources[name]!.ledger)),
  ];
}

/** The pipeline with sources that the test pushes and sinks that it reads. */
async function testSpec(spec: PipelineSpec, { sources }: TestCase): Promise<PipelineSpec> {
  const given = new Map(
    [...sources].flatMap(([name, frames]) => {
      const [first] = frames;
      if (!first) return [];
      const sameShape = frames.every(({ shape }) => String(shape) === String(first.shape));
      const sameDtype = frames.every(({ dtype }) => dtype === first.dtype);
      const maxBytes = frames.reduce((most, { data }) => Math.max(most, data.byteLength), 0);
      return [[name, { maxBytes, shape: sameShape ? first.shape : undefined, dtype: sameDtype ? first.dtype : undefined }] as const];
    }),
  );
  const replayed = await replaySpec(spec, given);
  return {
    ...replayed,
    stages: mapValues(replayed.stages, (stage, name) => ({ ...stage, overflow: kept(spec.stages[name]!) })),
    sinks: mapValues(
      replayed.sinks,
      (sink, name): SinkSpec => ({ ...sink, type: 'iterate', options: {}, overflow: kept(spec.sinks[name]!) }),
    ),
  };
}

/** Samples are the same in each run; what other policies drop depends on timing. */
const kept = ({ overflow }: EdgeSpec): EdgeSpec['overflow'] => (overflow.kind === 'sample' ? overflow : { kind: 'block' });

function mapValues<T>(map: Readonly<Record<string, T>>, change: (value: T, name: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value, name)]));
}

async function feed(pipeline: Pipeline, name: string, frames: readonly CaseFrame[]): Promise<Difference[]> {
  const source = pipeline.source(name);
  const refused: Difference[] = [];
  for (const [sequence, { data, dtype, shape }] of frames.entries()) {
    try {
      await source.push({ data, dtype, shape, sequence });
    } catch (thrown) {
      const { code, message } = asMillraceError(thrown, 'ERR_CLOSED');
      refused.push({ kind: 'run', node: name, frame: sequence, message: `source '${name}', frame ${sequence}: ${message} [${code}]` });
      if (code === 'ERR_CLOSED') break;
    }
  }
  source.end();
  return refused;
}

async function collect(pipeline: Pipeline, name: string): Promise<Collected[]> {
  const frames: Collected[] = [];
  for await (const { source, ordinal, dtype, shape, data } of pipeline.sink(name)) frames.push({ source, ordinal, dtype, shape, data });
  return frames;
}

/** Whatever fails a run fails a case, except the dead frames that the case expects. */
function failures(report: Report, test: TestCase): Difference[] {
  return report.failures.flatMap(({ kind, node, message }): Difference[] => {
    const expected = node !== undefined && test.ledger[node];
    if (kind === 'incomplete' || kind === 'unverifiable' || kind === 'unreadable' || kind === 'dropped') return [];
    if (kind === 'dead' && expected && 'dead' in expected) return [];
    return [{ kind: 'run', ...(node === undefined ? {} : { node }), message: `the run failed: ${message}` }];
  });
}
