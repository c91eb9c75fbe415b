import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Dealer, Pull, Push, Rep, Req, Router } from '../../../src/transports/zmtp/zmtp.js';
import { keep } from '../../support/closed-after-each.js';
import { opening, openStream } from './raw-peer.js';

const MIB = 1024 * 1024;

test('a mandatory ROUTER waits while its peer has no room, loses nothing, and fails what waits when the peer is lost', async () => {
  const router = keep(new Router({ mandatory: true, sendHighWaterMark: 2, lingerMs: 0 }));
  await router.bind('tcp://127.0.0.1:*');
  const dealer = keep(
    new Dealer({ routingId: 'slow', receiveHighWaterMark: 1, reconnectIntervalMs: 60_000, reconnectMaxIntervalMs: 60_000 }),
  );
  dealer.connect(router.lastEndpoint!);
  await once(router.events, 'handshake');
  const count = 40;
  let settled = 0;
  const sends = Array.from({ length: count }, (_, index) =>
    router.send(['slow', String(index), Buffer.alloc(MIB)]).then(() => {
      settled += 1;
    }),
  );
  await sleep(200);
  expect(settled).toBeLessThan(count);
  for (let index = 0; index < count; index++) expect(String((await dealer.receive())[0])).toBe(String(index));
  await Promise.all(sends);
  expect(router.stats().dropped.highWater).toBe(0);
  const lost = Promise.allSettled(Array.from({ length: count }, () => router.send(['slow', Buffer.alloc(MIB)])));
  await sleep(100);
  await dealer.close();
  expect(
    (await lost).filter(({ status }) => status === 'rejected').map((result) => (result as PromiseRejectedResult).reason.code),
  ).toContain('ERR_UNREACHABLE');
});

test('a send that fails has taken nothing: `released` does not come', async () => {
  let released = 0;
  const options = { released: () => released++ };
  const router = keep(new Router({ mandatory: true }));
  await expect(router.send(['nobody', 'x'], options)).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
  const push = keep(new Push({ sendTimeoutMs: 10 }));
  await expect(push.send(Buffer.alloc(MIB), options)).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  await expect(keep(new Rep()).send('x', options)).rejects.toMatchObject({ code: 'ERR_STATE' });
  expect(released).toBe(0);
});

test('the ids that a ROUTER gives stay clear of those that peers choose', async () => {
  const router = keep(new Router());
  await router.bind('tcp://127.0.0.1:*');
  const seen = new Set<string>();
  for (let count = 0; count < 3; count++) {
    const dealer = keep(new Dealer());
    dealer.connect(router.lastEndpoint!);
    await dealer.send('who');
    const [id] = await router.receive();
    expect(id).toHaveLength(5);
    expect(id![0]).toBe(0);
    seen.add(id!.toString('hex'));
  }
  expect(seen.size).toBe(3);
});

test('a REP answers each request before the next is given out, whoever asks for it', async () => {
  const rep = keep(new Rep());
  await rep.bind('tcp://127.0.0.1:*');
  const reqs = [keep(new Req()), keep(new Req())];
  for (const req of reqs) req.connect(rep.lastEndpoint!);
  const first = rep.receive();
  await expect(rep.receive()).rejects.toMatchObject({ code: 'ERR_STATE' });
  expect(() => rep.tryReceive()).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
  for (const req of reqs) await req.send('ask');
  await first;
  await rep.send('answer');
  const loop = rep[Symbol.asyncIterator]();
  await loop.next();
  await expect(loop.next()).rejects.toMatchObject({ code: 'ERR_STATE' });
  await rep.send('answer');
  for (const req of reqs) expect(String(await req.receive())).toBe('answer');
  const last = rep[Symbol.asyncIterator]().next();
  await rep.close();
  expect((await last).done).toBe(true);
});

test('a REQ whose peer is lost before it looks for the answer is told so once, and may ask again', async () => {
  const req = keep(new Req({ reconnectIntervalMs: 10 }));
  const rep = new Rep();
  await rep.bind('tcp://127.0.0.1:*');
  const address = rep.lastEndpoint!;
  req.connect(address);
  await req.send('question');
  await rep.receive();
  const lost = once(req.events, 'disconnect');
  await rep.close();
  await lost;
  await expect(req.receive()).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
  await expect(req.receive()).rejects.toMatchObject({ code: 'ERR_STATE' });
  const next = keep(new Rep());
  await next.bind(address);
  await req.send('again');
  expect(String(await next.receive())).toBe('again');
  await next.send('yes');
  expect(String(await req.receive())).toBe('yes');
});

test('a peer that is not read, since nothing is received, is not taken for silent', async () => {
  const pull = keep(new Pull({ receiveHighWaterMark: 1, heartbeatIntervalMs: 30, heartbeatTimeoutMs: 60 }));
  const push = keep(new Push({ heartbeatIntervalMs: 30, heartbeatTtlMs: 100, heartbeatTimeoutMs: 10_000, lingerMs: 0 }));
  let lost = 0;
  pull.events.on('disconnect', () => lost++);
  await pull.bind('tcp://127.0.0.1:*');
  push.connect(pull.lastEndpoint!);
  for (let index = 0; index < 20; index++) await push.send([String(index), Buffer.alloc(MIB)]);
  await sleep(800);
  expect(lost).toBe(0);
  for (let index = 0; index < 20; index++) expect(String((await pull.receive())[0])).toBe(String(index));
  expect(lost).toBe(0);
});

test('what a PULL says back to a PUSH is dropped, and the memory that it was read into comes back', async () => {
  const lent = new Set<Buffer>();
  const onFrame = {
    thresholdBytes: 10,
    take: (lengthBytes: number) => {
      const memory = Buffer.alloc(lengthBytes);
      lent.add(memory);
      return memory;
    },
    abandoned: (memory: Buffer) => expect(lent.delete(memory)).toBe(true),
  };
  const push = keep(new Push({ onFrame }));
  await push.bind('tcp://127.0.0.1:*');
  const stream = openStream(push.lastEndpoint!);
  stream.resume();
  stream.end(Buffer.concat([opening('PULL'), Buffer.from([0, 100]), Buffer.alloc(100)]));
  await once(push.events, 'disconnect');
  expect(push.stats().dropped.unexpected).toBe(1);
  expect(lent.size).toBe(0);
});
