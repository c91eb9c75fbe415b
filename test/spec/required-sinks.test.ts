import { describe, expect, it } from 'vitest';
import { accounted, operatorPath, runPipeline, specFromObject } from '../support/run-pipeline.js';

const source = { type: 'sim', pattern: 'counter', shape: [4, 4], frames: 400 };

function required(stages: Record<string, object>, sinks: Record<string, object>): Record<string, boolean> {
  const types = Object.fromEntries(Object.entries(sinks).map(([name, sink]) => [name, { type: 'null', ...sink }]));
  const spec = specFromObject({ version: 1, sources: { s: source, t: source }, stages, sinks: types });
  return Object.fromEntries(Object.entries(spec.sinks).map(([name, sink]) => [name, sink.required]));
}

const all = { type: 'null', from: 't' };

describe('which sinks are required', () => {
  it('leaves out a sink behind an edge that drops, its own or that of a stage before it', () => {
    const stages = { shrink: { from: 's', overflow: 'latest', operators: [{ type: 'rebin', factor: 2 }] } };
    expect(
      required(stages, { main: { from: 's' }, preview: { from: 'shrink' }, other: { from: 's', overflow: { sample: 10 } }, all }),
    ).toEqual({
      main: true,
      preview: false,
      other: false,
      all: true,
    });
  });

  it('keeps every sink where a source would have none left', () => {
    const dropping = { from: 's', overflow: 'drop-oldest' };
    expect(required({}, { a: dropping, b: dropping, all })).toEqual({ a: true, b: true, all: true });
    // Of the two sources, one has no other sink.
    expect(required({}, { a: { ...dropping, from: ['s', 't'], order: 'none' }, all })).toEqual({ a: true, all: true });
  });

  it('does what the file says', () => {
    expect(required({}, { main: { from: 's' }, kept: { from: 's', overflow: 'latest', required: true }, all })).toMatchObject({
      kept: true,
    });
    expect(required({}, { main: { from: 's', required: false }, preview: { from: 's', overflow: 'latest' }, all })).toEqual({
      main: false,
      preview: true,
      all: true,
    });
  });
});

describe('the ledger of a branch', () => {
  const slow = { type: operatorPath('slow-async'), ms: 5 };

  it('counts the required branch in the headline, and closes for each sink', { timeout: 60_000 }, async () => {
    const { report } = await runPipeline({
      failOn: ['dead', 'dropped', 'incomplete'],
      sources: { camera: { ...source, rate: 2000 } },
      stages: { shrink: { from: 'camera', overflow: 'latest', capacity: 2, concurrency: 1, operators: [slow] } },
      sinks: { main: { type: 'null', from: 'camera' }, preview: { type: 'null', from: 'shrink' } },
    });
    expect(report.ok).toBe(true);
    expect(report.sources.camera!.ledger).toMatchObject({ received: 400, delivered: 400, dropped: {}, dead: {}, inFlight: 0 });
    const { main, preview } = report.sinks;
    expect(main).toMatchObject({ required: true, ledgers: { camera: { received: 400, delivered: 400 } } });
    expect(preview!.required).toBe(false);
    const ledger = preview!.ledgers.camera!;
    expect(ledger.dropped.latest).toBeGreaterThan(0);
    expect(ledger.delivered).toBe(preview!.delivered);
    expect(accounted(ledger)).toBe(400);
  });

  it('counts drops in the headline where the file requires the branch', { timeout: 60_000 }, async () => {
    const { report } = await runPipeline({
      failOn: 'dropped',
      sources: { camera: { ...source, rate: 2000 } },
      stages: { shrink: { from: 'camera', overflow: 'latest', capacity: 2, concurrency: 1, operators: [slow] } },
      sinks: { main: { type: 'null', from: 'camera' }, preview: { type: 'null', from: 'shrink', required: true } },
    });
    const { ledger } = report.sources.camera!;
    expect(ledger.dropped.latest).toBeGreaterThan(0);
    expect(report.sinks.preview!.ledgers.camera).toEqual(ledger);
    expect(report.sinks.main!.ledgers.camera).toMatchObject({ delivered: 400 });
    expect(report.failures).toMatchObject([{ kind: 'dropped', node: 'camera', count: ledger.dropped.latest }]);
  });

  it('closes by records where the source sends parcels', { timeout: 60_000 }, async () => {
    const { report } = await runPipeline({
      sources: { camera: { ...source, shape: [1, 8], frames: 4000, parcel: { bytes: '4KiB' } } },
      stages: { third: { from: 'camera', operators: [{ type: operatorPath('every-third') }] } },
      sinks: { main: { type: 'null', from: 'camera' }, some: { type: 'null', from: 'third' } },
    });
    expect(report.balanced).toBe(true);
    expect(report.sinks.main!.ledgers.camera).toMatchObject({ received: 4000, delivered: 4000 });
    const some = report.sinks.some!.ledgers.camera!;
    expect(some).toMatchObject({ received: 4000, delivered: 1334, filtered: 2666, inFlight: 0 });
    expect(report.sources.camera!.ledger).toMatchObject({ delivered: 4000, filtered: 0 });
  });
});
