import { describe, expect, it } from 'vitest';
import { FAIL_ON, type FailOn } from '../../src/observe/fail-on.js';
import { type JudgedRun, judge } from '../../src/observe/judge.js';

const NO_LATENCY = { p50: 0, p90: 0, p99: 0, max: 0 };
const SINK = {
  required: true,
  ledgers: {},
  promise: 'acknowledged' as const,
  delivered: 0,
  redelivered: 0,
  refused: 0,
  outageMs: 0,
  latencyUs: NO_LATENCY,
};
const LEDGER = { received: 15, delivered: 15, merged: 0, filtered: 0, dropped: {}, dead: {}, inFlight: 0 };

function run(change: Partial<JudgedRun['sources'][string]> = {}, rest: Partial<JudgedRun> = {}): JudgedRun {
  const source = { ledger: LEDGER, verdict: { state: 'complete' as const }, bytes: 0, ...change };
  return { balanced: true, sources: { camera: source }, sinks: { out: SINK }, ...rest };
}

const kinds = (judged: JudgedRun, failOn: readonly FailOn[] = ['dead', 'incomplete'], isOver = true): string[] =>
  judge(judged, { failOn, isOver }).failures.map(({ kind }) => kind);

const DEAD = { ledger: { ...LEDGER, delivered: 2, dead: { 'operator-failed': 13 } } };

describe('the verdict of a run', () => {
  it('is done where everything was delivered', () => {
    expect(judge(run(), { failOn: FAIL_ON, isOver: true })).toEqual({ failures: [], remarks: [] });
  });

  it('fails by dead frames, and says how many, of which source, where and why', () => {
    const firstDeaths = [{ node: 'reduce', reason: 'operator-failed', message: 'cannot take int64' }];
    const { failures } = judge(run(DEAD), { failOn: ['dead'], isOver: true, firstDeaths });
    expect(failures).toMatchObject([{ kind: 'dead', node: 'camera', count: 13 }]);
    expect(failures[0]!.message).toBe("13 of 15 frames from 'camera' died (13 operator-failed); the first at 'reduce': cannot take int64");
  });

  it.each([
    ['dead', DEAD],
    ['dropped', { ledger: { ...LEDGER, delivered: 14, dropped: { latest: 1 } } }],
    ['incomplete', { verdict: { state: 'incomplete', missing: [[3, 4]] } }],
    ['unverifiable', { verdict: { state: 'unverifiable', reason: 'no numbers' } }],
    ['unreadable', { unreadable: { files: 1, frames: 0, of: 2, first: [{ file: 'a.cbf', reason: 'torn' }] } }],
  ] as const)('%s fails a run only where it is asked for, and is a remark elsewhere', (kind, change) => {
    const judged = run(change as Parameters<typeof run>[0]);
    expect(kinds(judged, [kind])).toEqual([kind]);
    const others = FAIL_ON.filter((one) => one !== kind);
    expect(kinds(judged, others)).toEqual([]);
    expect(judge(judged, { failOn: others, isOver: true }).remarks.map((one) => one.kind)).toEqual([kind]);
  });

  it('counts an unreadable file once: as unreadable, not as dead', () => {
    const unreadable = { files: 11, frames: 0, of: 12, first: [{ file: 'a.cbf', reason: 'torn' }] };
    const judged = run({ ledger: { ...LEDGER, received: 12, delivered: 1, dead: { malformed: 11 } }, unreadable });
    expect(kinds(judged, ['dead'])).toEqual([]);
    const [finding] = judge(judged, { failOn: ['unreadable'], isOver: true }).failures;
    expect(finding).toMatchObject({ kind: 'unreadable', count: 11 });
    expect(finding!.message).toBe("source 'camera' could not read 11 of 12 files: a.cbf (torn) and 10 more");
  });

  it('fails by an error, a ledger that does not balance and frames in flight, whatever is asked for', () => {
    expect(kinds(run({}, { error: { code: 'ERR_SINK', message: 'gone' } }), [])).toEqual(['error']);
    expect(kinds(run({}, { balanced: false }), [])).toEqual(['unbalanced']);
    const open = run({ ledger: { ...LEDGER, delivered: 14, inFlight: 1 } });
    expect(kinds(open, [])).toEqual(['in-flight']);
    expect(kinds(open, [], false)).toEqual([]);
  });

  it('fails by what a required sink did not deliver; for another sink that is a remark', () => {
    const undelivered = { frames: 3, ranges: { camera: [[0, 2] as const] } };
    expect(kinds(run({}, { sinks: { out: { ...SINK, undelivered } } }), [])).toEqual(['undelivered']);
    const optional = run({}, { sinks: { out: { ...SINK, required: false, undelivered } } });
    expect(kinds(optional, FAIL_ON)).toEqual([]);
    expect(judge(optional, { failOn: [], isOver: true }).remarks).toHaveLength(1);
  });
});
