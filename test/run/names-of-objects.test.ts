import { describe, expect, it } from 'vitest';
import { applyOverride, parseOverride } from '../../src/spec/set-path.js';
import { operatorPath, Pipeline, runPipeline, specFromObject } from '../support/run-pipeline.js';

describe('a name that every object has', () => {
  it('is a name like others for a source, a stage and a sink: its threads are replaced, its frames are counted', async () => {
    const { report } = await runPipeline(
      {
        sources: { constructor: { type: 'sim', pattern: 'counter', shape: [4, 4], dtype: 'uint8', frames: 200, rate: 400 } },
        stages: {
          toString: { from: 'constructor', operators: [{ type: operatorPath('leaves-behind'), at: -1 }] },
          isPrototypeOf: { from: 'toString', workers: 2, key: { meta: 'valueOf' }, operators: [] },
        },
        sinks: { hasOwnProperty: { type: 'null', from: 'isPrototypeOf' }, valueOf: { type: 'null', from: 'constructor' } },
      },
      {},
      (pipeline) => {
        expect(pipeline.terminateThread('constructor')).toBe(true);
        expect(pipeline.terminateWorker('toString', 0)).toBe(true);
      },
    );
    expect(report).toMatchObject({ balanced: true });
    expect(report.error).toBeUndefined();
    expect(Object.keys(report.sources)).toEqual(['constructor']);
    expect(Object.keys(report.sinks)).toEqual(['hasOwnProperty', 'valueOf']);
    const { ledger } = report.sources.constructor as unknown as { ledger: { received: number; delivered: number } };
    expect(ledger.received).toBeGreaterThan(100);
    expect(ledger.delivered).toBe(ledger.received);
  });

  it('is not the name of a node that the file does not have', async () => {
    const description = {
      version: 1,
      sources: { s: { type: 'sim', pattern: 'counter', shape: [4, 4], frames: 1 } },
      sinks: { out: { type: 'null', from: 's' } },
    };
    expect(() => specFromObject({ ...description, sinks: { out: { type: 'null', from: 'constructor' } } })).toThrow(/constructor/);
    expect(() => specFromObject({ ...description, sources: { s: { type: 'toString' } } })).toThrow(/toString/);
    const pipeline = new Pipeline(specFromObject(description));
    expect(() => pipeline.series('constructor')).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
    await pipeline.abort();
  });

  it('is a key like others in --set, and changes no prototype', () => {
    const root: Record<string, unknown> = {};
    expect(() => parseOverride('a.__proto__.polluted=1')).toThrow();
    applyOverride(root, parseOverride('constructor.prototype.polluted=1'));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(root)).toBe(Object.prototype);
    expect(Object.keys(root)).toEqual(['constructor']);
  });
});
