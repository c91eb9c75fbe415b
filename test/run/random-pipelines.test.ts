import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/errors/errors.js';
import { plan } from '../../src/plan/plan.js';
import { specFromObject } from '../../src/spec/load.js';
import { faultsOf } from '../support/random-pipelines/check-run.js';
import { describeCase } from '../support/random-pipelines/describe-case.js';
import type { RandomCase } from '../support/random-pipelines/random-case.js';
import { anyCase } from '../support/random-pipelines/random-cases.js';
import { type CaseRun, runCase } from '../support/random-pipelines/run-case.js';
import { kindsIn, THEMES } from '../support/random-pipelines/themes.js';
import { isFull, onlyFull, testSize } from '../support/test-size.js';

/** One of each theme, and more where the machine is ours. */
const COUNT = Object.keys(THEMES).length;
const PIPELINES = testSize('MILLRACE_TEST_PIPELINES', COUNT, 200);
const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20261130);
/** A case as this test prints it, to run that one again. */
const REPLAY = process.env.MILLRACE_TEST_PIPELINE;
const AT_ONCE = 3;
const LIMIT_MS = 60_000;
/** For the search for a smaller case that fails too. */
const SHRINK_MS = 60_000;

/** What a lot must have of each: kinds of nodes, edges, operators and ends. */
const KINDS = [
  ...['sim', 'push', 'parcel', 'series', 'fan-out', 'fan-in', 'iterate', 'file', 'null'],
  ...['work', 'async', 'merge', 'collect', 'deterministic', 'join-ordinal', 'join-frame', 'key ordinal', 'key source', 'key meta'],
  ...['block', 'drop-newest', 'drop-oldest', 'latest', 'sample'],
  ...['pass', 'three', 'filter', 'allocate', 'throwOnce', 'throw', 'exit', 'loop'],
  ...['natural', 'stop', 'abort', 'deadline', 'sink-failure', 'reader-leaves'],
];

async function isAccepted(random: RandomCase): Promise<boolean> {
  try {
    await plan(specFromObject(describeCase(random, '/tmp')));
    return true;
  } catch (error) {
    if (error instanceof MillraceError && error.code.startsWith('ERR_CONFIG')) return false;
    throw error;
  }
}

/** What happened in a lot, by what was seen and not by what was asked for. */
class Tally {
  readonly counts: Record<string, number> = {};

  add(name: string, n = 1): void {
    this.counts[name] = (this.counts[name] ?? 0) + n;
  }

  note({ report, ended }: CaseRun): void {
    this.add('runs');
    for (const node of ended) this.add(`ended ${node}`);
    for (const { restarts } of Object.values(report.stages)) this.add('workers that died', restarts);
    for (const { ledger, series } of Object.values(report.sources)) {
      this.add('received', ledger.received);
      this.add('series', series?.length ?? 0);
      for (const [reason, n] of Object.entries({ ...ledger.dropped, ...ledger.dead })) this.add(reason, n);
    }
    this.add(report.error ? `ended with ${report.error.code}` : 'came to their end');
  }
}

const HAPPENED = [
  ...['ended source', 'ended worker', 'ended sink', 'workers that died', 'series'],
  ...['drop-newest', 'drop-oldest', 'latest', 'sampled', 'operator-failed', 'worker-lost', 'came to their end'],
  ...['ended with ERR_CLOSED', 'ended with ERR_DRAIN_DEADLINE', 'sink-refused'],
];

describe('random pipelines', () => {
  it.runIf(REPLAY)('as given: what the sinks got, and the ledger, are the same', { timeout: 2 * LIMIT_MS }, async () => {
    const random = JSON.parse(REPLAY!) as RandomCase;
    expect(faultsOf(random, await runCase(random, LIMIT_MS))).toEqual([]);
  });

  it.skipIf(REPLAY || !isFull)(
    onlyFull(`keep what the ledger says of every frame: ${PIPELINES}, seed ${SEED}`),
    { timeout: 86_400_000 },
    async () => {
      const names = Object.keys(THEMES);
      const tally = new Tally();
      const kinds = new Set<string>();
      const failures: string[] = [];
      let slowest = { ms: 0, random: '' };

      const one = async (number: number): Promise<void> => {
        const theme = names[number % names.length]!;
        for (let tries = 0; tries < 50; tries++) {
          const seed = (SEED + number * 1009 + tries * 100_003) | 0;
          let ran = 0;
          const property = fc.asyncProperty(anyCase.map(THEMES[theme]!), async (random) => {
            if (!(await isAccepted(random))) return;
            ran++;
            const start = performance.now();
            const run = await runCase(random, LIMIT_MS);
            if (ran === 1) {
              tally.note(run);
              for (const kind of kindsIn(random)) kinds.add(kind);
              const ms = performance.now() - start;
              if (ms > slowest.ms) slowest = { ms, random: JSON.stringify(random) };
            }
            const faults = faultsOf(random, run);
            if (faults.length > 0) throw new Error(faults.join('\n'));
          });
          const details = await fc.check(property, { seed, numRuns: 1, interruptAfterTimeLimit: SHRINK_MS });
          if (details.failed && details.counterexample) {
            const text = `${theme}, seed ${seed}, after ${details.numShrinks} shrinks: ${String(details.errorInstance)}\nagain: MILLRACE_TEST_PIPELINE='${JSON.stringify(details.counterexample[0])}'`;
            console.error(text); // now: a lot may be ended before its end
            failures.push(text);
          }
          if (ran > 0) return;
        }
        failures.push(`${theme}: no pipeline of 50 was accepted`);
      };

      let next = 0;
      const work = async (): Promise<void> => {
        while (next < PIPELINES && failures.length < 5) await one(next++);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      console.log(`seed ${SEED}: ${JSON.stringify(tally.counts)}; the longest took ${slowest.ms.toFixed(0)} ms: ${slowest.random}`);
      expect(failures.join('\n\n')).toBe('');
      if (PIPELINES < COUNT) return;
      expect(KINDS.filter((kind) => !kinds.has(kind))).toEqual([]);
      expect(HAPPENED.filter((name) => !tally.counts[name])).toEqual([]);
    },
  );
});
