import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { pipeline } from '#dist/src/index.js';

const echo = (name: string) => pipeline(name).source('in', { type: 'push', maxFrame: 4096 }).sink('out', { type: 'iterate', from: 'in' });

test('what is pushed comes out, in order, as it went in, and the ledger closes', async () => {
  const run = echo('push').build();
  await run.start();
  const sender = (async () => {
    for (let n = 0; n < 2000; n++)
      await run.source('in').push({ data: Float64Array.of(n, n / 3), sequence: 10 + n, timestamp: n, meta: { n } });
    run.source('in').end();
  })();
  let n = 0;
  for await (const frame of run.sink('out')) {
    expect([frame.sequence, frame.ordinal, frame.timestamp, frame.dtype]).toEqual([10 + n, n, n, 'float64']);
    expect([...frame.data]).toEqual([n, n / 3]);
    expect(frame.meta).toEqual({ n });
    n++;
  }
  await sender;
  const report = await run.closed;
  expect(n).toBe(2000);
  expect(report).toMatchObject({
    ok: true,
    balanced: true,
    sources: { in: { ledger: { received: 2000, delivered: 2000, inFlight: 0 }, verdict: { state: 'complete' } } },
  });
});

test('until the program reads, a push waits: nothing piles up', async () => {
  const run = echo('pressure').build();
  await run.start();
  let taken = 0;
  const pushes: Promise<void>[] = [];
  for (let n = 0; n < 500; n++)
    pushes.push(
      run
        .source('in')
        .push({ data: Uint8Array.of(1) })
        .then(
          () => {
            taken++;
          },
          () => {},
        ),
    );
  while (taken === 0) await delay(10);
  await delay(300);
  expect(taken).toBeLessThan(200);
  let read = 0;
  run.source('in').end();
  for await (const _ of run.sink('out')) read++;
  await Promise.all(pushes);
  expect(read).toBe(500);
});

test('a program that leaves the loop lets the run end, and what it did not read is dead with its reason', async () => {
  const run = echo('leave').build();
  await run.start();
  for (let n = 0; n < 50; n++) void run.source('in').push({ data: Uint8Array.of(n) });
  run.source('in').end();
  for await (const _ of run.sink('out')) break;
  const report = await run.closed;
  expect(report.balanced).toBe(true);
  expect(report.sources.in!.ledger.dead['sink-refused']).toBeGreaterThan(0);
});

test('pushes after the end, of the wrong length, and to what is no push source are refused with their codes', async () => {
  const run = echo('misuse').build();
  expect(() => run.source('out')).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  expect(() => run.sink('in')).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  await run.start();
  await expect(run.source('in').push({ data: new Uint8Array(3), shape: [2, 2] })).rejects.toMatchObject({ code: 'ERR_USAGE' });
  await expect(run.start()).rejects.toMatchObject({ code: 'ERR_STATE' });
  await expect(run.source('in').push({ data: new Uint8Array(2), shape: [1, 1, 1, 1, 2] })).rejects.toMatchObject({ code: 'ERR_USAGE' });
  await expect(run.source('in').push({ data: new Uint8Array(2), meta: { big: 1n } })).rejects.toMatchObject({ code: 'ERR_USAGE' });
  run.source('in').end();
  await expect(run.source('in').push({ data: new Uint8Array(3) })).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  for await (const _ of run.sink('out'));
  expect((await run.closed).ok).toBe(true);
  expect(await run.stop()).toBe(await run.closed);
});

test('a push over maxFrame, or with too large a meta, is refused with the sizes and counted as received and dead', async () => {
  const run = echo('large').build();
  await run.start();
  const reading = (async () => {
    let n = 0;
    for await (const _ of run.sink('out')) n++;
    return n;
  })();
  const data = new Uint8Array(4096);
  await expect(run.source('in').push({ data: new Uint8Array(5000) })).rejects.toMatchObject({
    code: 'ERR_MESSAGE_TOO_LARGE',
    message: expect.stringMatching(/source 'in'.*5000 bytes.*over the 4096 of maxFrame; set maxFrame: /),
  });
  await expect(run.source('in').push({ data, meta: { text: 'x'.repeat(9000) } })).rejects.toMatchObject({ code: 'ERR_MESSAGE_TOO_LARGE' });
  await run.source('in').push({ data });
  run.source('in').end();
  expect(await reading).toBe(1);
  expect((await run.closed).sources.in!.ledger).toMatchObject({ received: 3, delivered: 1, dead: { 'too-large': 2 }, inFlight: 0 });
});

test('a frame that cannot be sent to the thread is refused with a code, and those behind it are taken', async () => {
  const run = pipeline('no-clone').source('in', { type: 'push', maxFrame: 4096 }).sink('out', { type: 'null', from: 'in' }).build();
  await run.start();
  const source = run.source('in');
  const data = Uint8Array.of(1);
  await source.push({ data });
  for (const meta of [{ unit: () => 'mm' }, { unit: Symbol('mm') }, { a: { b: [() => 1] } }, 'text', [1], null, () => 1])
    await expect(source.push({ data, meta: meta as never })).rejects.toMatchObject({ code: 'ERR_USAGE', message: /meta/ });
  await expect(source.push({ data, timestamp: (() => 1) as never })).rejects.toMatchObject({ code: 'ERR_USAGE' });
  const self: Record<string, unknown> = {};
  self.self = self;
  await expect(source.push({ data, meta: self as never })).rejects.toMatchObject({ code: 'ERR_USAGE' });
  await Promise.all([source.push({ data }), source.push({ data })]);
  source.end();
  expect((await run.closed).sources.in!.ledger).toMatchObject({ received: 3, delivered: 3 });
});

test('the builder refuses what the file would, with the path of each mistake', () => {
  const build = () =>
    pipeline('wrong')
      .source('s', { type: 'sim' })
      .stage('a', { from: 'nobody', operators: [{ type: 'veto', min: 0 }] })
      .sink('x', { type: 'null', from: 'a', capacity: 0 })
      .spec();
  expect(build).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }));
  expect(build).toThrow(/nobody/);
});

test('who leaves the loop has taken what it was given: delivered; the rest is refused, and a later loop gets nothing', async () => {
  const run = echo('leave-later').build();
  await run.start();
  for (let n = 0; n < 40; n++) void run.source('in').push({ data: Uint8Array.of(n) });
  run.source('in').end();
  let read = 0;
  for await (const _ of run.sink('out')) if (++read === 7) break;
  for await (const _ of run.sink('out')) read++;
  const report = await run.closed;
  expect(read).toBe(7);
  expect(report.sinks.out).toMatchObject({ delivered: 7, refused: 33 });
  expect(report.sources.in!.ledger).toMatchObject({ received: 40, delivered: 7, dead: { 'sink-refused': 33 }, inFlight: 0 });
});

test('options that a call does not know are refused', async () => {
  const stray = { signal: new AbortController().signal } as object;
  expect(() => echo('stray').build(stray)).toThrow(
    expect.objectContaining({ code: 'ERR_USAGE', message: expect.stringContaining("'signal'") }),
  );
  const run = echo('stray').build();
  await expect(run.start({ sginal: stray } as object)).rejects.toMatchObject({ code: 'ERR_USAGE' });
  expect(run.state).toBe('new');
  await run.abort();
});

test('what is no frame is refused with its code', async () => {
  const source = echo('no-frame').build().source('in');
  const data = Uint8Array.of(1);
  const none = [undefined, null, {}, { data: [1] }, { data: new Uint8ClampedArray(1) }, { data, dtype: 'int128' }, { data, shape: 1 }];
  const wrong = [...none, { data, sequence: -1 }, { data, sequence: 1.5 }, { data, sequence: Number.NaN }];
  for (const frame of wrong) await expect(source.push(frame as never), JSON.stringify(frame)).rejects.toMatchObject({ code: 'ERR_USAGE' });
});

test('a source that received nothing says so, and not that its sender numbers no frames', async () => {
  const run = pipeline('none')
    .source('s', { type: 'sim', shape: [4, 4], frames: 0 })
    .sink('o', { type: 'null', from: 's' })
    .build();
  await run.start();
  expect((await run.closed).sources.s!.verdict).toEqual({ state: 'unverifiable', reason: 'nothing was received' });
});

test('a signal that comes before the run begins is ERR_CLOSED, for start and for the report', async () => {
  const run = echo('early').build();
  await expect(run.start({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  expect(await run.closed).toMatchObject({ ok: false, error: { code: 'ERR_CLOSED' } });
  const later = echo('while-starting').build();
  const stop = new AbortController();
  const started = later.start({ signal: stop.signal });
  stop.abort();
  await expect(started).rejects.toMatchObject({ code: 'ERR_CLOSED' });
});
