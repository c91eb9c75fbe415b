import { expect, test } from 'vitest';
import { pipeline } from '#dist/src/index.js';

// A drain of this length means that disposal waited for a reader that had gone.
const build = () =>
  pipeline('dispose')
    .source('in', { type: 'push', maxFrame: 4096 })
    .sink('out', { type: 'iterate', from: 'in' })
    .with({ drain: { deadlineMs: 3_600_000 } })
    .build();
type Run = ReturnType<typeof build>;

async function pushed(run: Run, frames: number): Promise<void> {
  await run.start();
  for (let n = 0; n < frames; n++) await run.source('in').push({ data: Uint8Array.of(n) });
}

test('an exception leaves the block while an iterate sink holds frames that nothing reads: the run ends, and they are refused', async () => {
  let run: Run | undefined;
  const block = async () => {
    await using made = build();
    run = made;
    await pushed(made, 20);
    throw new Error('of the program');
  };
  await expect(block()).rejects.toThrow('of the program');
  const report = await run!.closed;
  expect(report.sources.in!.ledger).toMatchObject({ received: 20, delivered: 0, dead: { 'sink-refused': 20 }, inFlight: 0 });
});

test('a loop that stays at one frame when the block is left does not hold up the end for ever', async () => {
  let run: Run | undefined;
  const block = async () => {
    await using made = build();
    run = made;
    await pushed(made, 20);
    const frames = made.sink('out')[Symbol.asyncIterator]();
    await frames.next();
    await frames.next();
    throw new Error('of the program');
  };
  await expect(block()).rejects.toThrow('of the program');
  const report = await run!.closed;
  expect(report.sources.in!.ledger).toMatchObject({ received: 20, delivered: 2, dead: { 'sink-refused': 18 }, inFlight: 0 });
});

test('a loop that goes on beside the block gets every frame that was received', async () => {
  const sequences: number[] = [];
  let run: Run | undefined;
  let reading: Promise<void> | undefined;
  {
    await using made = build();
    run = made;
    reading = (async () => {
      for await (const { sequence } of made.sink('out')) {
        sequences.push(sequence);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await pushed(made, 40);
  }
  await reading;
  expect(sequences).toEqual(Array.from({ length: 40 }, (_, n) => n));
  expect((await run.closed).sources.in!.ledger).toMatchObject({ received: 40, delivered: 40, inFlight: 0 });
});

test('a pipeline that never started is disposed of at once', async () => {
  await using made = build();
  expect(made.state).toBe('new');
});
