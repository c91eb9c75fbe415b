import { expect, it } from 'vitest';
import { plan } from '../../src/plan/plan.js';
import { ConfigError } from '../../src/spec/config-error.js';
import { parsePipeline } from '../../src/spec/load.js';

/** `file:line:column` of each mistake, after the file has passed all checks of its text. */
async function mistakesIn(text: string): Promise<string[]> {
  const spec = await parsePipeline(text, { file: 'p.yaml', baseDir: '.' });
  const thrown = await plan(spec).then(
    () => undefined,
    (error) => error,
  );
  const errors = thrown instanceof ConfigError ? thrown.errors : [thrown];
  return errors.map(({ code, place }) => `${place.file}:${place.line}:${place.column} ${code}`);
}

it('mistakes of several operators, in one stage and in two, are reported at once', async () => {
  const text = `version: 1
sources:
  s: { type: sim, shape: [8, 8], frames: 1 }
stages:
  a:
    from: s
    operators:
      - { type: rebin, factor: 9 }
  b:
    from: s
    operators:
      - { type: veto }
sinks:
  k: { type: 'null', from: a }
  l: { type: 'null', from: b }
`;
  expect(await mistakesIn(text)).toEqual(['p.yaml:8:9 ERR_CONFIG_INVALID', 'p.yaml:12:9 ERR_CONFIG_INVALID']);
});

it('a mistake of an operator and too few slots of another stage are reported at once', async () => {
  const text = `version: 1
sources:
  s: { type: sim, shape: [8, 8], frames: 1 }
stages:
  a: { from: s, operators: [{ type: rebin, factor: 9 }] }
  b: { from: s, slots: 1, operators: [{ type: threshold, below: 1 }] }
sinks:
  k: { type: 'null', from: a }
  l: { type: 'null', from: b, overflow: drop-newest }
`;
  const mistakes = await mistakesIn(text);
  expect(mistakes).toHaveLength(2);
  expect(mistakes[0]).toMatch(/^p\.yaml:5:\d+ ERR_CONFIG_INVALID$/);
  expect(mistakes[1]).toMatch(/^p\.yaml:6:\d+ ERR_CONFIG_PROMISE$/);
});

it('what follows a mistake only because of it is not reported', async () => {
  const text = `version: 1
sources:
  s: { type: sim, shape: [8, 8], frames: 1 }
stages:
  a: { from: s, operators: [{ type: rebin, factor: 9 }] }
  b: { from: a, operators: [{ type: accumulate }] }
sinks:
  k: { type: 'null', from: b }
`;
  expect(await mistakesIn(text)).toHaveLength(1);
});
