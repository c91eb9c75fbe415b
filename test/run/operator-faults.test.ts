import { describe, expect, it } from 'vitest';
import { operatorPath, runPipeline } from '../support/run-pipeline.js';
import { sized } from '../support/test-size.js';

const FRAMES = 400;
const EVERY = 10;
const BAD = FRAMES / EVERY;
const source = { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint16', seed: 3, frames: FRAMES };

/** What an operator must not do, the reason by which its frames die, and what the log line says. */
const FAULTS = {
  throw: ['operator-failed', /the sky falls/],
  'throw-after-create': ['operator-failed', /the sky falls late/],
  'throw-undefined': ['operator-failed', /undefined/],
  reject: ['operator-failed', /the promise breaks/],
  twice: ['operator-output', /twice/],
  'created-twice': ['operator-output', /twice/],
  earlier: ['operator-output', /twice, or one that it was not given/],
  copied: ['operator-output', /twice, or one that it was not given/],
  'too-many': ['operator-output', /at most|more than/],
  'created-too-many': ['operator-output', /at most|more than/],
  'too-large': ['operator-output', /does not fit/],
  'wrong-shape': ['operator-output', /cannot make a frame/],
  'huge-meta': ['operator-output', /meta/],
  'circular-meta': ['operator-failed', /circular/i],
} as const;

describe('an operator at fault', () => {
  for (const [kind, [reason, line]] of Object.entries(FAULTS)) {
    for (const place of sized(['first'] as const, ['alone', 'first', 'last'] as const)) {
      // Between two operators of a chain each frame is the same object as the one before: it cannot be told from it.
      if (kind === 'earlier' && place === 'last') continue;
      it(`${kind}, ${place} in its chain: its frames are dead{${reason}} with a log line, all others are delivered in order`, async () => {
        const faults = { type: operatorPath('faults'), kind, every: EVERY };
        const copy = { type: operatorPath('copy') };
        const operators = { alone: [faults], first: [faults, copy], last: [copy, faults] }[place];
        const { report, lines } = await runPipeline(
          {
            sources: { s: source },
            stages: {
              bad: { from: 's', workers: 2, operators },
              check: { from: 'bad', attempts: 1, operators: [{ type: operatorPath('rising') }] },
            },
            sinks: { out: { type: 'null', from: 'check', checksum: true } },
          },
          { poison: true },
        );
        const { ledger } = report.sources.s!;
        expect(report.error).toBeUndefined();
        expect(ledger).toMatchObject({ received: FRAMES, delivered: FRAMES - BAD, dead: { [reason]: BAD }, filtered: 0, inFlight: 0 });
        expect(report).toMatchObject({ balanced: true, ok: true });
        const said = lines.filter(({ level }) => level === 'error');
        expect(said.length).toBeGreaterThan(0);
        // At a limited rate: one line a second and worker, not one a frame.
        expect(said.length).toBeLessThan(BAD);
        expect(said[0]!.message).toMatch(line);
        expect(said[0]!.fields).toMatchObject({ stage: 'bad', source: 's', attempts: 3 });
        // The line in the author's file, not only ours.
        if (kind === 'throw') expect(said[0]!.fields.stack).toMatch(/faults\.mjs:\d+/);
      });
    }
  }

  it('that is none ends the start with its name and what is missing', async () => {
    const stages = { none: { from: 's', operators: [{ type: operatorPath('makes-no-operator') }] } };
    await expect(
      runPipeline({ sources: { s: { ...source, frames: 1 } }, stages, sinks: { out: { type: 'null', from: 'none' } } }),
    ).rejects.toMatchObject({
      code: 'ERR_WORKER',
      message: expect.stringMatching(/makes-no-operator\.mjs did not create an operator.*process/),
    });
  });

  it('that throws when it is closed fails nothing, and is named where it is told of', async () => {
    const { report, lines } = await runPipeline({
      sources: { s: source },
      stages: { stuck: { from: 's', workers: 2, operators: [{ type: operatorPath('fails-to-close') }] } },
      sinks: { out: { type: 'null', from: 'stuck' } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true, stages: { stuck: { restarts: 0 } } });
    expect(report.sources.s!.ledger.delivered).toBe(FRAMES);
    // What a worker says as it leaves may not arrive.
    for (const { level, message } of lines)
      expect([level, message]).toEqual(['warn', expect.stringMatching(/fails-to-close\.mjs' did not close cleanly: .*the door is stuck/)]);
  });

  it('what is made and not emitted goes back: the pool does not run dry', async () => {
    const { report } = await runPipeline({
      sources: { s: { ...source, frames: 5000 } },
      stages: {
        keep: { from: 's', slots: 17, workers: 2, operators: [{ type: operatorPath('faults'), kind: 'made-and-kept', every: 1, at: 0 }] },
      },
      sinks: { out: { type: 'null', from: 'keep' } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger.delivered).toBe(5000);
  });

  it('a pool with which workers would wait for each other is refused, and one slot more is enough', { timeout: 30_000 }, async () => {
    const description = (slots: number): object => ({
      sources: { s: { ...source, frames: 20_000 } },
      // Three workers with eight inputs each (the module may be asynchronous), three outputs an input.
      stages: { three: { from: 's', slots, workers: 3, operators: [{ type: operatorPath('triple') }] } },
      sinks: { out: { type: 'null', from: 'three' } },
    });
    await expect(runPipeline(description(48))).rejects.toMatchObject({
      code: 'ERR_CONFIG_PROMISE',
      message: expect.stringContaining('49 slots'),
    });
    const { report } = await runPipeline(description(49));
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sinks.out!.delivered).toBe(60_000);
  });

  it('is tried as often as the stage says, and a frame that succeeds at the last attempt is delivered', async () => {
    const run = (attempts: number): ReturnType<typeof runPipeline> =>
      runPipeline({
        sources: { s: source },
        stages: {
          bad: { from: 's', attempts, operators: [{ type: operatorPath('faults'), kind: 'throw', every: EVERY, attempts: 2 }] },
        },
        sinks: { out: { type: 'null', from: 'bad', checksum: true } },
      });
    expect((await run(3)).report.sources.s!.ledger).toMatchObject({ delivered: FRAMES, dead: {} });
    expect((await run(2)).report.sources.s!.ledger).toMatchObject({ delivered: FRAMES - BAD, dead: { 'operator-failed': BAD } });
  });
});

describe('an asynchronous operator', () => {
  const slow = { type: operatorPath('slow-async'), ms: 4 };

  for (const workers of sized([2], [1, 2])) {
    it(`overtaking frames leave ${workers} worker(s) in order, several at a time`, async () => {
      const { report, lines } = await runPipeline(
        {
          sources: { s: source },
          stages: {
            slow: { from: 's', workers, concurrency: 4, operators: [slow] },
            check: { from: 'slow', attempts: 1, operators: [{ type: operatorPath('rising'), dense: true }] },
          },
          sinks: { out: { type: 'null', from: 'check', checksum: true } },
        },
        { poison: true },
      );
      expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(report.sources.s!.ledger.delivered).toBe(FRAMES);
      // One at a time it would take (4 + 1) / 2 ms a frame.
      expect(report.durationS).toBeLessThan(FRAMES * 0.0025);
    });
  }

  it('rejections are tried again and counted like exceptions', async () => {
    const { report } = await runPipeline({
      sources: { s: source },
      stages: {
        mixed: { from: 's', workers: 2, concurrency: 3, operators: [slow, { type: operatorPath('faults'), kind: 'reject', every: EVERY }] },
        check: { from: 'mixed', attempts: 1, operators: [{ type: operatorPath('rising') }] },
      },
      sinks: { out: { type: 'null', from: 'check', checksum: true } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
    expect(report.sources.s!.ledger).toMatchObject({ delivered: FRAMES - BAD, dead: { 'operator-failed': BAD } });
  });

  it('with a pool of fewer slots than frames at a time, it is slow and not stuck', { timeout: 20_000 }, async () => {
    const { report } = await runPipeline({
      drain: { deadlineMs: 3000 },
      sources: { s: source },
      stages: { slow: { from: 's', workers: 2, concurrency: 8, slots: 3, operators: [slow] } },
      sinks: { out: { type: 'null', from: 'slow', checksum: true } },
    });
    expect(report).toMatchObject({ ok: true, balanced: true });
  });

  it('an abort in the middle does not wait for anything', { timeout: 20_000 }, async () => {
    let abortedAt = 0;
    const { report } = await runPipeline(
      {
        sources: { s: { ...source, frames: 100_000 } },
        stages: { slow: { from: 's', concurrency: 4, operators: [slow] } },
        sinks: { out: { type: 'null', from: 'slow', delayMs: 5 } },
      },
      {},
      async (pipeline) => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        abortedAt = performance.now();
        await pipeline.abort();
      },
    );
    expect(performance.now() - abortedAt).toBeLessThan(2000);
    expect(report).toMatchObject({ ok: false, balanced: true });
  });
});
