import { MillraceError } from '../errors/errors.js';
import type { Meta } from '../frame/frame.js';
import type { Pipeline } from '../run/pipeline.js';
import { specHash } from '../spec/spec-hash.js';

/** How long a request waits for a frame. */
const PROFILE_MS = 300;

/**
 * Carries out one request of the control protocol (docs/reference/control.md). Returns the contents of the answer;
 * rejects with coded errors.
 */
export async function answerRequest(pipeline: Pipeline, request: Readonly<Record<string, unknown>>, version: string): Promise<object> {
  switch (request.do) {
    case 'status':
      return {
        state: pipeline.state,
        name: pipeline.spec.name,
        hash: specHash(pipeline.spec),
        pid: process.pid,
        version,
        uptimeS: pipeline.report().durationS,
      };
    case 'progress':
      return { progress: pipeline.progress() };
    case 'report':
      return { report: pipeline.report() };
    case 'queues':
      return { queues: pipeline.queues() };
    case 'profile':
      return { profile: (await pipeline.profile(text(request, 'sink'), PROFILE_MS)) ?? null };
    case 'stages':
      return { stages: stagesInForce(pipeline) };
    case 'update': {
      const { operator, params } = request;
      if (typeof operator !== 'string' && typeof operator !== 'number')
        throw new MillraceError('ERR_USAGE', `'operator' must be a number, or a type as text`);
      // Their form is checked with their values.
      return pipeline.update(text(request, 'stage'), operator, params as Record<string, unknown>);
    }
    case 'series-start': {
      const { series, expected, first, meta } = request;
      // Their forms are checked where the series begins.
      const closed = await pipeline.startSeries(text(request, 'source'), {
        series: series as string,
        ...(expected === undefined ? {} : { expected: expected as number }),
        ...(first === undefined ? {} : { first: first as number }),
        ...(meta === undefined ? {} : { meta: meta as Meta }),
      });
      return closed ? { closed } : {};
    }
    case 'series-end':
      return { closed: await pipeline.endSeries(text(request, 'source'), request.series as string | undefined) };
    case 'stop':
      void pipeline.stop();
      return {};
    case 'abort':
      void pipeline.abort();
      return {};
    default:
      throw new MillraceError('ERR_USAGE', `'do' is not a known request`);
  }
}

function stagesInForce(pipeline: Pipeline): object[] {
  const { stages } = pipeline.report();
  return Object.entries(pipeline.spec.stages).map(([name, { operators }]) => {
    const now = stages[name]?.parameters?.at(-1);
    if (!now) return { name, operators: operators.map(({ type, params }) => ({ type, params })) };
    return { name, hash: now.hash, epoch: now.epoch, operators: now.operators.map(({ type, ...params }) => ({ type, params })) };
  });
}

function text(request: Readonly<Record<string, unknown>>, key: string): string {
  const value = request[key];
  if (typeof value !== 'string') throw new MillraceError('ERR_USAGE', `'${key}' is missing or is not a text`);
  return value;
}
