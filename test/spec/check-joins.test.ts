import { describe, expect, it } from 'vitest';
import { BUILTIN } from '../../src/spec/builtin-registries.js';
import { ConfigError } from '../../src/spec/config-error.js';
import { parsePipelineWith } from '../../src/spec/parse-pipeline.js';

/** Each error of a pipeline with these stages, from line 6 on, as `line:column code message`. */
function errorsOf(stages: string, sink = 'out: { type: "null", from: j }'): string[] {
  const text = `version: 1
sources:
  s: { type: sim, frames: 1 }
  t: { type: sim, frames: 1 }
stages:
${stages}
sinks:
  all: { type: "null", from: [s, t] }
  ${sink}
`;
  try {
    parsePipelineWith(text, { file: 'p.yaml', baseDir: '/', registries: BUILTIN });
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return thrown.errors.map(({ code, message, place }) => `${place.line}:${place.column} ${code} ${message}`);
  }
  return [];
}

const join = (by: string, more = ''): string => `operators: [{ type: join, by: ${by}${more} }]`;

describe('a stage that joins', () => {
  it('may bring branches of a source together, deep ones too, and several sources, and its output may branch and meet again', () => {
    expect(
      errorsOf(
        `  a: { from: s }\n  b: { from: s, workers: 2 }\n  c: { from: b, workers: 3 }\n  j: { from: [a, c, s], ${join('ordinal')} }`,
      ),
    ).toEqual([]);
    expect(errorsOf(`  a: { from: s }\n  j: { from: [a, t, s], ${join('frame')} }`)).toEqual([]);
    expect(errorsOf(`  a: { from: s }\n  j: { from: [a, t], ${join('timestamp', ', toleranceMs: 3')} }`)).toEqual([]);
    const again = `  i: { from: [s, t], ${join('frame')} }\n  a: { from: i }\n  b: { from: i }\n  j: { from: [a, b], ${join('ordinal')} }`;
    expect(errorsOf(again)).toEqual([]);
  });

  it('keeps the way of its first input only: behind it a source comes once', () => {
    expect(
      errorsOf(`  a: { from: s }\n  b: { from: s }\n  j: { from: [a, b], ${join('ordinal')} }`, 'out: { type: "null", from: [j] }'),
    ).toEqual([]);
    expect(errorsOf(`  a: { from: s }\n  j: { from: [a, t], ${join('frame')} }`, 'out: { type: "null", from: [j, t] }')).toEqual([]);
    expect(errorsOf(`  a: { from: s }\n  j: { from: [a, t], ${join('frame')} }`, 'out: { type: "null", from: [j, s] }')).toEqual(
      [
        "11:8 ERR_CONFIG_PROMISE frames of 's' reach 'out' by more than one way, so that their order cannot be kept: set order: none, or take from one",
      ].map((line) => expect.stringContaining(line.slice(line.indexOf('ERR')))),
    );
  });

  it('has one worker, two inputs or more, order, and the join in front', () => {
    expect(errorsOf(`  j: { from: [s, t], workers: 2, ${join('frame')} }`)).toEqual([
      "6:31 ERR_CONFIG_PROMISE 'join' keeps state between frames, so that stage 'j' can have only one worker, not 2",
    ]);
    expect(errorsOf(`  j: { from: s, ${join('frame')} }`)).toEqual([
      "6:8 ERR_CONFIG_PROMISE stage 'j' joins: there must be at least two to take from",
    ]);
    expect(errorsOf(`  j: { from: [s, t], order: none, ${join('frame')} }`)).toEqual([
      "6:29 ERR_CONFIG_PROMISE stage 'j' joins: frames are brought together by their order, so that order: none cannot be",
    ]);
    expect(errorsOf(`  j: { from: [s, t], operators: [{ type: threshold, below: 1 }, { type: join, by: frame }] }`)).toEqual([
      "6:65 ERR_CONFIG_PROMISE stage 'j' joins: 'join' takes from the edges of its stage, and must be its first operator",
    ]);
  });

  it('as list needs an operator that takes the list', () => {
    expect(errorsOf(`  j: { from: [s, t], ${join('frame', ', as: list')} }`)).toEqual([
      "6:34 ERR_CONFIG_PROMISE stage 'j' joins: as: list is for the next operator of the stage, and there is none",
    ]);
  });

  it('joins by ordinal only what is of one source', () => {
    expect(errorsOf(`  j: { from: [s, t], ${join('ordinal')} }`)).toEqual([
      "6:34 ERR_CONFIG_PROMISE stage 'j' joins: by: ordinal is for branches of one source; by: frame or timestamp brings several sources together",
    ]);
  });

  it('has one source on each input, by one way, and none that another source holds up', () => {
    expect(errorsOf(`  a: { from: [s, t] }\n  j: { from: [a, t], ${join('frame')} }`)).toEqual([
      "7:15 ERR_CONFIG_PROMISE stage 'j' joins: 'a' carries frames of 's' and 't', of which each needs an input of its own",
      "7:18 ERR_CONFIG_PROMISE stage 'j' joins: 'a' and 't' carry different sources, and both come through 't', where one would hold up the other",
    ]);
    const twice = `  a: { from: s }\n  b: { from: s }\n  c: { from: [a, b], order: none }\n  j: { from: [c, s], ${join('ordinal')} }`;
    expect(errorsOf(twice).join('\n')).toMatch(/^9:\d+ ERR_CONFIG_PROMISE frames of 's' reach 'j' by more than one way/m);
    expect(errorsOf(`  i: { from: [s, t], ${join('frame')} }\n  j: { from: [i, t], ${join('frame')} }`)).toEqual([
      "7:18 ERR_CONFIG_PROMISE stage 'j' joins: 'i' and 't' carry different sources, and both come through 't', where one would hold up the other",
    ]);
  });

  it('takes nothing out of order', () => {
    const stages = `  a: { from: s, workers: 2 }\n  b: { from: a, workers: 2, order: none }\n  j: { from: [b, s], ${join('ordinal')} }`;
    expect(errorsOf(stages)[0]).toMatch(/^7:\d+ ERR_CONFIG_PROMISE 'j' promises the order of 's', but stage 'b'/);
  });
});
