import { describe, expect, it } from 'vitest';
import { LateDeliveries } from '../../../src/agents/egress/late-deliveries.js';
import type { FrameView } from '../../../src/frame/frame-view.js';
import { lateCounts } from '../../../src/observe/late-losses.js';

const frame = { sourceIndex: 0, sequence: 7, ordinal: 7, index: 0, receivedUs: 1 } as unknown as FrameView;
const words = new Int32Array(8);
const make = (): LateDeliveries =>
  new LateDeliveries(
    words,
    0,
    ['s'],
    () => frame,
    () => {},
  );
const counts = (): object => lateCounts(words, [0], 0);

describe('frames that a client takes later', () => {
  it('count as unsettled until their batch is settled, and as lost when their thread dies after that', () => {
    const late = make();
    const tags = [late.accept(0), late.accept(0), late.accept(0)];
    expect(counts()).toEqual({ pending: 3, unsettled: 3, lost: 0, undelivered: 0 });
    late.settle(tags[0]!, 'delivered');
    expect(counts()).toMatchObject({ pending: 2, unsettled: 2 });
    late.own();
    expect(counts()).toMatchObject({ pending: 2, unsettled: 0 });
    late.settle(tags[1]!, 'delivered');
    late.accept(0); // of the next batch: its frame comes again to the next thread
    expect(counts()).toMatchObject({ pending: 2, unsettled: 1, lost: 0 });
    make();
    expect(counts()).toEqual({ pending: 0, unsettled: 0, lost: 1, undelivered: 0 });
  });

  it('are neither waiting nor lost when their batch failed', () => {
    words.fill(0);
    const late = make();
    const tags = [late.accept(0), late.accept(0)];
    late.settle(tags[0]!, 'delivered');
    late.disown();
    expect(counts()).toEqual({ pending: 0, unsettled: 0, lost: 0, undelivered: 0 });
    late.settle(tags[1]!, 'lost');
    expect(counts()).toEqual({ pending: 0, unsettled: 0, lost: 0, undelivered: 0 });
  });
});
