import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { CounterPattern, checkCounter } from '../../src/ingress/sim/counter.js';
import { openZmqWriter } from '../../src/transports/zmq.js';
import { sendHalf } from '../support/half-sender.js';
import { Pipeline, recordingLogger, specFromObject } from '../support/run-pipeline.js';
import { freePort } from '../support/servers/server-process.js';
import { testSize } from '../support/test-size.js';

const DEATHS = testSize('MILLRACE_TEST_KILLS', 5, 20);
const BYTES = 400_000;

/** A source of large frames with a small pool, and a sink that looks at each. */
async function start(port: number) {
  const { logger, lines } = recordingLogger();
  const pipeline = new Pipeline(
    specFromObject({
      version: 1,
      failOn: 'none',
      sources: { in: { type: 'zmq', bind: `tcp://127.0.0.1:${port}`, maxFrame: BYTES, highWaterMark: 4 } },
      sinks: { out: { type: 'iterate', from: 'in', capacity: 1 } },
    }),
    { logger, poison: true },
  );
  await pipeline.start();
  const numbers: number[] = [];
  const reading = (async () => {
    for await (const { bytes } of pipeline.sink('out')) {
      const { intact, number } = checkCounter(bytes);
      if (!intact) throw new Error(`frame ${number} is corrupt`);
      numbers.push(number);
    }
  })();
  return { pipeline, lines, numbers, reading };
}

async function sender(port: number, first: number) {
  const push = await openZmqWriter({
    driver: 'zmtp',
    socket: 'push',
    connect: `tcp://127.0.0.1:${port}`,
    highWaterMark: 2,
    lingerMs: 2000,
    immediate: false,
  });
  const pattern = new CounterPattern({ seed: 3 } as ConstructorParameters<typeof CounterPattern>[0]);
  const bytes = Buffer.alloc(BYTES);
  let number = first;
  return {
    push,
    send: async (count: number) => {
      for (let i = 0; i < count; i++, number++) {
        pattern.fill(number, bytes);
        await push.send([JSON.stringify({ htype: 'array-1.0', shape: [BYTES], type: 'uint8', frame: number }), bytes]);
      }
    },
  };
}

it('senders that stop half way through a body keep nobody else from going on', { timeout: 60_000 }, async () => {
  const port = await freePort();
  const run = await start(port);
  // Lost, their slots would be more than the pool has after some rounds.
  for (let round = 0; round < 30; round++) {
    const gone = await Promise.all(Array.from({ length: 5 }, () => sendHalf(port, BYTES)));
    await delay(30);
    for (const half of gone) half.destroy();
    await delay(10);
  }
  // More than bodies are read into slots at once.
  const halves = await Promise.all(Array.from({ length: 9 }, () => sendHalf(port, BYTES)));
  await delay(200);
  const senders = [await sender(port, 0), await sender(port, 1000), await sender(port, 2000)];
  await Promise.all(senders.map(({ send }) => send(100)));
  for (let waited = 0; run.numbers.length < 300 && waited < 20_000; waited += 10) await delay(10);
  // One that goes gives its place back, and is counted nowhere.
  for (const half of halves) half.destroy();
  await Promise.all(senders.map(({ send }) => send(20)));
  for (const { push } of senders) {
    push.close();
    await push.released();
  }
  for (let waited = 0; run.numbers.length < 360 && waited < 20_000; waited += 10) await delay(10);
  const report = await run.pipeline.stop();
  await run.reading;
  expect(run.lines.filter(({ level }) => level === 'error')).toEqual([]);
  expect(report).toMatchObject({ ok: true, balanced: true });
  expect(report.sources.in!.ledger).toMatchObject({ received: 360, delivered: 360, dead: {} });
  expect(run.numbers.toSorted((a, b) => a - b)).toEqual(
    [0, 1000, 2000].flatMap((first) => Array.from({ length: 120 }, (_, n) => first + n)),
  );
});

it(`a thread that dies in the middle of bodies, ${DEATHS} times, gives their slots back`, { timeout: 120_000 }, async () => {
  const port = await freePort();
  const run = await start(port);
  let last = 0;
  for (let death = 0; death < DEATHS; death++) {
    // Four slots are lent at each death; lost, they would be more than the pool has after some.
    const halves = await Promise.all(Array.from({ length: 5 }, () => sendHalf(port, BYTES)));
    await delay(60);
    expect(run.pipeline.terminateThread('in')).toBe(true);
    const { push, send } = await sender(port, death * 10);
    await send(3);
    for (let waited = 0; run.numbers.length === last && waited < 10_000; waited += 5) await delay(5);
    expect(run.numbers.length).toBeGreaterThan(last);
    last = run.numbers.length;
    push.close(0);
    await push.released();
    for (const half of halves) half.destroy();
  }
  const report = await run.pipeline.stop();
  await run.reading;
  expect(run.lines.filter(({ level }) => level === 'error')).toEqual([]);
  expect(report).toMatchObject({ ok: true, balanced: true });
  const { ledger } = report.sources.in!;
  expect(ledger).toMatchObject({ delivered: ledger.received, dead: {}, dropped: {}, inFlight: 0 });
  expect(run.numbers.length).toBe(ledger.received);
});
