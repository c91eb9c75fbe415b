import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/errors/errors.js';
import { plan } from '../../src/plan/plan.js';
import { specFromObject } from '../../src/spec/load.js';
import { seeded } from '../support/arena.js';
import { accounted, operatorPath, runPipeline } from '../support/run-pipeline.js';
import { testSize } from '../support/test-size.js';

const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 1);
const PIPELINES = testSize('MILLRACE_TEST_THREAD_PIPELINES', 2, 50);
const HOLD_MS = Number(process.env.MILLRACE_TEST_HOLD_MS ?? 1000);
const AT_ONCE = 5;
const FRAMES = 120;
const TIMEOUT_MS = 60_000;

type Die = (n: number) => number;

/** Two or three stages of one to three workers; a window of 4, a capacity of 2, three outputs a frame; the first or second holds one frame back. */
function pipelineOf(die: Die): object {
  const edge = (): object => ({
    capacity: 2,
    window: 4,
    ...(die(5) === 0 ? { overflow: ['drop-newest', 'drop-oldest', 'latest', { sample: 2 }][die(4)] } : {}),
  });
  const count = 1 + die(2);
  const holder = die(count);
  const stages: Record<string, object> = {};
  let from = 's';
  for (let i = 0; i < count; i++) {
    const workers = 2 + die(2);
    const outputs = i === 0 ? 3 : 1;
    stages[`w${i}`] = {
      from,
      workers,
      // As few slots as are accepted: every one under way in every worker lacks one, but one. More are needed where an edge drops.
      ...(die(2) === 0 && i === 0 ? { slots: 8 * workers * 2 + 1 } : {}),
      operators: [{ type: operatorPath('hold-lowest'), outputs, ordinal: i === holder ? 10 + die(20) : -1, holdMs: HOLD_MS }],
      ...edge(),
    };
    from = `w${i}`;
  }
  const sinks: Record<string, object> = { k0: { type: 'null', from, ...edge() } };
  // A second sink, behind the first stage or the source: what holds one edge up must not hold the others for ever.
  if (die(2) === 0) sinks.k1 = { type: 'null', from: ['s', 'w0'][die(2)], ...edge() };
  return {
    version: 1,
    sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 16], dtype: 'uint8', frames: FRAMES } },
    stages,
    sinks,
  };
}

describe('an asynchronous stage whose frames overtake each other', () => {
  it('goes on before an ordered edge that samples', { timeout: 30_000 }, async () => {
    const { report } = await runPipeline({
      sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 16], dtype: 'uint8', frames: FRAMES } },
      stages: { work: { from: 's', concurrency: 8, operators: [{ type: operatorPath('slow-async'), ms: 20 }] } },
      sinks: { k: { type: 'null', from: 'work', window: 2, overflow: { sample: 3 } } },
    });
    const { ledger } = report.sources.s!;
    expect(ledger).toMatchObject({ received: FRAMES, delivered: FRAMES / 3, dropped: { sampled: (FRAMES / 3) * 2 }, inFlight: 0 });
  });
});

describe('an asynchronous stage with one slot', () => {
  it('goes on when the frame that had the slot became none', { timeout: 30_000 }, async () => {
    const { report } = await runPipeline({
      sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 16], dtype: 'uint8', frames: FRAMES } },
      stages: { work: { from: 's', concurrency: 4, slots: 1, operators: [{ type: operatorPath('filter-async') }] } },
      sinks: { k: { type: 'null', from: 'work' } },
    });
    const { ledger } = report.sources.s!;
    expect(ledger).toMatchObject({ received: FRAMES, delivered: FRAMES / 3, filtered: (FRAMES / 3) * 2, inFlight: 0 });
  });
});

describe('a pipeline of which one worker holds the lowest frame', () => {
  it(`goes on when that is done, with every frame accounted for: ${PIPELINES}, held for ${HOLD_MS} ms`, {
    timeout: 3_600_000,
  }, async () => {
    const die = seeded(SEED);
    let refused = 0;
    const accepted: object[] = [];
    while (accepted.length < PIPELINES) {
      const description = pipelineOf(die);
      try {
        await plan(specFromObject(description));
        accepted.push(description);
      } catch (error) {
        if (!(error instanceof MillraceError && error.code === 'ERR_CONFIG_PROMISE')) throw error;
        refused++;
      }
    }
    const longest: number[] = [];
    const work = async (): Promise<void> => {
      for (let description = accepted.pop(); description; description = accepted.pop()) {
        const start = performance.now();
        const late = setTimeout(() => {
          console.error(`seed ${SEED}: no end after ${TIMEOUT_MS} ms: ${JSON.stringify(description)}`);
          process.exit(1);
        }, TIMEOUT_MS);
        const { report } = await runPipeline(description);
        clearTimeout(late);
        longest.push(performance.now() - start);
        const { ledger } = report.sources.s!;
        expect({ inFlight: ledger.inFlight, received: ledger.received, accounted: accounted(ledger) }, JSON.stringify(description)).toEqual(
          {
            inFlight: 0,
            received: FRAMES,
            accounted: FRAMES,
          },
        );
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    console.log(`seed ${SEED}: ${longest.length} ran, ${refused} were refused; the longest took ${Math.max(...longest).toFixed(0)} ms`);
    expect(longest.length).toBe(PIPELINES);
  });
});
