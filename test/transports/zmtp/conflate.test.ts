import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { Pub, Pull, Push, Sub } from '../../../src/transports/zmtp/zmtp.js';
import { keep } from '../../support/closed-after-each.js';

/** Sends all, then waits until all but those that are to be kept have been dropped: by then the last one has come in. */
async function overwhelm(pull: Pull, kept: number, messages: readonly (readonly (string | Buffer)[])[]): Promise<void> {
  await pull.bind('tcp://127.0.0.1:*');
  const push = keep(new Push({ sendHighWaterMark: 0 }));
  push.connect(pull.lastEndpoint!);
  for (const message of messages) await push.send(message);
  await vi.waitFor(
    () => {
      const { conflated, highWater } = pull.stats().dropped;
      expect(conflated + highWater).toBe(messages.length - kept);
    },
    { timeout: 10_000 },
  );
}

test('a receiver with conflate finds the last message alone, all of its parts', async () => {
  const pull = keep(new Pull({ conflate: 'last' }));
  await overwhelm(
    pull,
    1,
    Array.from({ length: 50 }, (_, index) => ['head', String(index), Buffer.alloc(20_000, index)]),
  );
  const [head, number, body] = await pull.receive();
  expect([String(head), String(number)]).toEqual(['head', '49']);
  expect(body!.equals(Buffer.alloc(20_000, 49))).toBe(true);
  expect(pull.tryReceive()).toBeUndefined();
  expect(pull.stats()).toMatchObject({ received: 1, dropped: { conflated: 49 } });
});

test('a subscriber with conflate by topic finds the last of each, in the order in which the topics came', async () => {
  const pub = keep(new Pub());
  await pub.bind('tcp://127.0.0.1:*');
  const sub = keep(new Sub({ conflate: 'topic' }));
  sub.connect(pub.lastEndpoint!);
  sub.subscribe();
  await sleep(100);
  for (let index = 0; index < 20; index++) for (const topic of ['a', 'b', 'c']) await pub.send([topic, String(index)]);
  await vi.waitFor(() => expect(sub.stats().dropped.conflated).toBe(57), { timeout: 10_000 });
  for (const topic of ['a', 'b', 'c']) expect((await sub.receive()).map(String)).toEqual([topic, '19']);
  expect(sub.tryReceive()).toBeUndefined();
  expect(sub.stats().dropped.conflated).toBe(57);
});

test('more topics than the mark, or more bytes, cost the oldest, and are counted', async () => {
  const few = keep(new Pull({ conflate: 'topic', receiveHighWaterMark: 3 }));
  await overwhelm(
    few,
    3,
    Array.from({ length: 10 }, (_, index) => [`t${index}`, 'x']),
  );
  for (const topic of ['t7', 't8', 't9']) expect(String((await few.receive())[0])).toBe(topic);
  expect(few.tryReceive()).toBeUndefined();
  expect(few.stats().dropped.highWater).toBe(7);

  const small = keep(new Pull({ conflate: 'topic', receiveHighWaterBytes: 250_000 }));
  await overwhelm(
    small,
    2,
    Array.from({ length: 10 }, (_, index) => [`t${index}`, Buffer.alloc(100_000, index)]),
  );
  for (const topic of ['t8', 't9']) expect(String((await small.receive())[0])).toBe(topic);
  expect(small.tryReceive()).toBeUndefined();
  expect(small.stats().dropped.highWater).toBe(8);
});

test('memory of the caller comes back for each message that a later one replaced', async () => {
  const lent = new Set<Buffer>();
  const onFrame = {
    thresholdBytes: 1000,
    take: (lengthBytes: number) => {
      const memory = Buffer.from(new SharedArrayBuffer(lengthBytes));
      lent.add(memory);
      return memory;
    },
    abandoned: (memory: Buffer) => expect(lent.delete(memory)).toBe(true),
  };
  const pull = keep(new Pull({ conflate: 'last', onFrame }));
  await overwhelm(
    pull,
    1,
    Array.from({ length: 20 }, (_, index) => [Buffer.alloc(100_000, index)]),
  );
  expect(lent.size).toBe(1);
  const [body] = await pull.receive();
  expect(body![0]).toBe(19);
  expect(lent.delete(body!)).toBe(true);
});
