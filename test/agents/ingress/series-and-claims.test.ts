import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { EgressAgent } from '../../../src/agents/egress/egress-agent.js';
import { IngressAgent } from '../../../src/agents/ingress/ingress-agent.js';
import { Attachment } from '../../../src/agents/thread/attachment.js';
import { driveAsync } from '../../../src/agents/thread/drivers.js';
import { SILENT } from '../../../src/errors/logger.js';
import type { Frame, FrameHeader } from '../../../src/frame/frame.js';
import type { FrameView } from '../../../src/frame/frame-view.js';
import { createArena } from '../../../src/memory/arena.js';
import type { SeriesReport } from '../../../src/observe/report.js';
import { formatArena } from '../../../src/plan/format-arena.js';
import { plan as makePlan } from '../../../src/plan/plan.js';
import { specFromObject } from '../../../src/spec/load.js';

const frame = (sequence: number): FrameHeader => ({ dtype: 'uint8', shape: [2, 4], sequence });
const begin = (series: string) => ({ kind: 'series-start', series }) as const;

/** A source that the test drives, and a sink that notes what it took, on the real plan and memory. */
class Bench {
  readonly closed: SeriesReport[] = [];
  readonly taken: string[] = [];
  readonly #stopping = new AbortController();
  readonly #timer = setInterval(() => this.agent.doWork(), 20);

  private constructor(
    readonly agent: IngressAgent,
    readonly gate: { open: Promise<void> },
  ) {}

  static async make(source: object = {}): Promise<Bench> {
    const { plan } = await makePlan(
      specFromObject({
        version: 1,
        sources: { s: { type: 'sim', pattern: 'noise', shape: [2, 4], dtype: 'uint8', ...source } },
        sinks: { out: { type: 'null', from: 's' } },
      }),
    );
    const memory = createArena(plan.bytes);
    formatArena(memory, plan);
    const threadOf = (node: string) =>
      new Attachment(
        memory,
        plan,
        plan.threads.findIndex((one) => one.node === node),
      );
    const gate = { open: Promise.resolve() };
    const bench: Bench = new Bench(
      new IngressAgent(threadOf('s'), plan.sources[0]!, SILENT, new AbortController().signal, (report) => bench.closed.push(report)),
      gate,
    );
    const egress = {
      open: async () => {},
      write: async (frames: readonly Frame[]) => {
        await gate.open;
        for (const { sequence, series } of frames as readonly FrameView[]) bench.taken.push(`series ${series} frame ${sequence}`);
        return undefined;
      },
      close: async () => {},
    };
    const sink = threadOf('out');
    void driveAsync(new EgressAgent(sink, sink.sinkNode('out'), egress, SILENT, false, bench.#stopping.signal), sink, 20);
    return bench;
  }

  close(): void {
    clearInterval(this.#timer);
    this.agent.close();
  }

  get verdicts(): string[] {
    return this.closed.map(({ id, ended, ledger }) => `${id} ${ended} ${ledger.received}`);
  }
}

describe('a series that begins or ends while a slot is claimed', () => {
  let bench: Bench;
  /** The sink stands still until what this gives is called. */
  const closeGate = (): (() => void) => {
    let open: () => void = () => {};
    bench.gate.open = new Promise((resolve) => {
      open = resolve;
    });
    return open;
  };
  afterEach(() => bench?.close());

  const claim = (sequence: number) => bench.agent.claim(frame(sequence))!;

  it('does not wait for the slot when the source itself asks; the frame belongs to the new series', async () => {
    bench = await Bench.make();
    await bench.agent.startSeries(begin('a'));
    await claim(0).commit();
    const slot = claim(1);
    expect(await bench.agent.startSeries(begin('b'))).toBe(true);
    await slot.commit();
    await bench.agent.finish();
    expect(bench.verdicts).toEqual(['a superseded 1', 'b end 1']);
  }, 5000);

  it('does not wait for it behind a start from outside either', async () => {
    bench = await Bench.make();
    await bench.agent.startSeries(begin('a'));
    await claim(0).commit();
    const slot = claim(1);
    const fromOutside = bench.agent.commandStart(begin('b'));
    expect(await bench.agent.startSeries(begin('c'))).toBe(true);
    expect(await fromOutside).toMatchObject({ id: 'a', ended: 'superseded' });
    await slot.commit();
    await bench.agent.finish();
    expect(bench.verdicts).toEqual(['a superseded 1', 'b superseded 0', 'c end 1']);
  }, 5000);

  it('a frame committed while the series before is still under way comes after the end of that, in the next', async () => {
    bench = await Bench.make();
    await bench.agent.startSeries(begin('a'));
    const open = closeGate();
    await claim(0).commit();
    const slot = claim(1);
    const fromOutside = bench.agent.commandStart(begin('b'));
    await delay(20);
    const committed = slot.commit();
    expect(committed).toBeInstanceOf(Promise);
    expect(bench.agent.claim(frame(2))).toBeUndefined();
    open();
    expect((await fromOutside)?.ledger).toMatchObject({ received: 1, delivered: 1, inFlight: 0 });
    await committed;
    await bench.agent.finish();
    expect(bench.verdicts).toEqual(['a superseded 1', 'b end 1']);
    expect(bench.taken).toEqual(['series 1 frame 0', 'series 2 frame 1']);
  }, 5000);

  it('a frame that names a series stays with it when another was begun while it waited', async () => {
    bench = await Bench.make();
    await bench.agent.startSeries(begin('a'));
    const open = closeGate();
    await claim(0).commit();
    const fromOutside = bench.agent.commandStart(begin('b'));
    await delay(20);
    const written = bench.agent.write({ ...frame(1), meta: { series: 'a' } }, new Uint8Array(8));
    open();
    await fromOutside;
    expect(await written).toBe(true);
    await bench.agent.finish();
    expect(bench.verdicts).toEqual(['a superseded 1', 'b superseded 0', 'a end 1']);
  }, 5000);

  it('is refused to a source that has claimed a record of a parcel; from outside it waits for that, not longer', async () => {
    bench = await Bench.make({ parcel: { bytes: '4KiB', waitUs: 1_000_000 } });
    await bench.agent.startSeries(begin('a'));
    await claim(0).commit();
    const record = claim(1);
    const fromOutside = bench.agent.commandStart(begin('b'));
    await delay(20);
    await expect(bench.agent.startSeries(begin('c'))).rejects.toMatchObject({ code: 'ERR_STATE' });
    await expect(bench.agent.endSeries({ kind: 'series-end', series: 'a' })).rejects.toMatchObject({ code: 'ERR_STATE' });
    await record.commit();
    expect(await fromOutside).toMatchObject({ id: 'a', ended: 'superseded', ledger: { received: 2, delivered: 2 } });
    await bench.agent.finish();
    expect(bench.verdicts).toEqual(['a superseded 2', 'b end 0']);
  }, 5000);

  for (const [what, source] of [
    ['slot', {}],
    ['record', { parcel: { bytes: '4KiB', waitUs: 1_000_000 } }],
  ] as const)
    it(`a ${what} that the source never commits does not keep the source from ending, nor a start from outside`, async () => {
      bench = await Bench.make(source);
      await bench.agent.startSeries(begin('a'));
      await claim(0).commit();
      claim(1);
      const fromOutside = bench.agent.commandStart(begin('b'));
      await delay(20);
      await bench.agent.finish();
      expect(await fromOutside).toMatchObject({ id: 'a', ledger: { received: 1, delivered: 1 } });
      expect(bench.verdicts).toEqual(['a superseded 1', 'b end 0']);
    }, 5000);

  it('is refused where it is the only slot, and the source goes on', async () => {
    bench = await Bench.make({ slots: 1 });
    await bench.agent.startSeries(begin('a'));
    await claim(0).commit();
    await bench.agent.ready();
    const slot = claim(1);
    await expect(bench.agent.commandStart(begin('b'))).rejects.toMatchObject({ code: 'ERR_STATE' });
    await slot.commit();
    expect(await bench.agent.commandStart(begin('b'))).toMatchObject({ id: 'a', ledger: { received: 2 } });
    await bench.agent.finish();
  }, 5000);
});
