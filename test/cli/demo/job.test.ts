import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planJob } from '../../../src/cli/demo/job.js';
import { writeNpy } from '../../../src/codecs/npy.js';
import { specFromObject } from '../../../src/spec/load.js';

describe('demo job', () => {
  let out: string;
  beforeEach(() => {
    out = mkdtempSync(join(tmpdir(), 'millrace-demo-'));
  });
  afterEach(() => rmSync(out, { recursive: true }));

  const options = () => ({
    out,
    results: 'tcp://127.0.0.1:5001',
    frames: 'tcp://127.0.0.1:5002',
    frameCount: undefined,
    input: undefined,
    geometry: undefined,
    output: { out: () => {}, err: () => {}, raw: () => {}, isTty: false, columns: 80 },
  });

  it('is two pipelines that hold against the schema, with mask and geometry in the output folder', async () => {
    const job = await planJob({ ...options(), frameCount: 20 });
    const spec = specFromObject(job.pipeline, { baseDir: out });
    expect(spec.sources.detector!.maxFrameBytes).toBe(1024 * 1024 * 2);
    expect(spec.sources.detector!.options.frames).toBe(20);
    expect(Object.keys(spec.sinks)).toContain('live');
    const sender = specFromObject(job.sender, { baseDir: out });
    expect(sender.sources.sim!.options.pattern).toBe('powder');
    expect(sender.sinks.socket!.options.bind).toBe(spec.sources.detector!.options.connect);
  });

  it('takes a file without geometry for statistics, with geometry for a profile', async () => {
    const input = join(out, 'frames.npy');
    writeFileSync(input, writeNpy({ dtype: 'uint16', shape: [3, 20, 10], data: new Uint16Array(600) }));
    const types = async (geometry: string | undefined) => {
      const job = await planJob({ ...options(), input, geometry });
      expect(job.sender).toBeUndefined();
      return specFromObject(job.pipeline, { baseDir: out }).stages.reduce!.operators.map(({ type }) => type);
    };
    expect(await types(undefined)).toEqual(['mask', 'roi-stats']);
    writeFileSync(join(out, 'detector.poni'), '');
    expect(await types(join(out, 'detector.poni'))).toEqual(['mask', 'integrate-azimuthal']);
  });
});
