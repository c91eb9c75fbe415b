import { describe, expect, it } from 'vitest';
import { checkParameters } from '../../src/plan/check-parameters.js';

const place = { file: 'pipeline.yaml', line: 6, column: 3 };

describe('parameters that a schema refuses', () => {
  it('names an unknown key and the ones that are known', () => {
    const schema = { type: 'object', additionalProperties: false, properties: { level: { type: 'number' }, pixels: { type: 'number' } } };
    expect(() => checkParameters(schema, { nope: 1 }, 'stages.r.operators[0]')).toThrow(
      "stages.r.operators[0].nope: unknown key 'nope' (known: level, pixels)",
    );
  });

  it('says with a code and a place that the schema itself is malformed', () => {
    expect(() => checkParameters({ type: 'nonsense' }, {}, 'stages.r.operators[0]', place)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', place, message: expect.stringContaining('the schema of its parameters') }),
    );
  });
});
