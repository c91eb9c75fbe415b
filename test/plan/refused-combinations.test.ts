import { describe, expect, it } from 'vitest';
import { plan } from '../../src/plan/plan.js';
import { parsePipeline } from '../../src/spec/load.js';

const OPERATORS = new URL('../support/operators/', import.meta.url).pathname;

/** Plans a pipeline of two sources and one stage `x`, or more, from YAML; what it is refused with. */
async function refusalOf(stages: string, from = 'x'): Promise<unknown> {
  const text = `version: 1
sources:
  s: { type: sim, pattern: counter, shape: [2, 16], dtype: uint8, frames: 1, parcel: { bytes: 4096 } }
  t: { type: sim, pattern: counter, shape: [2, 16], dtype: uint8, frames: 1 }
stages:
${stages}
sinks:
  out: { type: 'null', from: [${from}], order: none }
  other: { type: 'null', from: [s, t] }
`;
  const spec = await parsePipeline(text, { baseDir: OPERATORS, file: 'pipeline.yaml' });
  return plan(spec).then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** The stage that is refused stands in the first line behind `stages:`. */
const refused = (cure: RegExp, line = 6): unknown => ({
  code: 'ERR_CONFIG_PROMISE',
  message: expect.stringMatching(cure),
  place: { file: 'pipeline.yaml', line, column: expect.any(Number) },
});

describe('a combination that is refused says where it stands and what to do', () => {
  it('parcels into a join', async () => {
    const join = '{ from: [s, t], operators: [{ type: join, by: frame }] }';
    expect(await refusalOf(`  x: ${join}`)).toMatchObject(refused(/leave out its parcel/) as object);
  });

  it('two operators with partials', async () => {
    const two = '[{ type: accumulate }, { type: accumulate }]';
    expect(await refusalOf(`  x: { from: s, operators: ${two} }`)).toMatchObject(refused(/give the others stages of their own/) as object);
  });

  it('a keyed or deterministic stage behind a module of which the order is not known; and not behind one that tells it', async () => {
    const behind = (module: string, x: string): Promise<unknown> =>
      refusalOf(`  x: { from: a, workers: 2, ${x} }\n  a: { from: s, operators: [{ type: ./${module}.mjs }] }`);
    const deterministic = 'deterministic: true, operators: [{ type: accumulate, shape: [2, 16] }]';
    expect(await behind('by-number', 'key: { ordinal: 2 }')).toMatchObject(
      refused(/set order: none, or say async: false in the definition of a module/) as object,
    );
    expect(await behind('by-number', deterministic)).toMatchObject(refused(/say async: false in the definition of a module/) as object);
    expect(await behind('by-number-in-order', 'key: { ordinal: 2 }')).toBeUndefined();
    expect(await behind('by-number-in-order', deterministic)).toBeUndefined();
    expect(await behind('by-number', 'order: none, key: { ordinal: 2 }')).toBeUndefined();
  });

  it('a key of the meta where one frame may become several before', async () => {
    const stages = '  x: { from: a, workers: 2, order: none, key: { meta: k } }\n  a: { from: s, operators: [{ type: ./triple.mjs }] }';
    expect(await refusalOf(stages)).toMatchObject(refused(/take its frames from before those operators/) as object);
  });
});
