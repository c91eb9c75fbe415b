import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import * as zmq from 'zeromq';
import { parseEndpoint } from '../../../src/transports/zmtp/endpoint.js';
import { ReconnectDelay } from '../../../src/transports/zmtp/reconnect-delay.js';
import { Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub } from '../../../src/transports/zmtp/zmtp.js';
import { keep } from '../../support/closed-after-each.js';

test('PLAIN lets the right password in and nobody else, with libzmq as the client', async () => {
  const pull = keep(new Pull({ plain: { server: true, username: 'ann', password: 'secret' } }));
  await pull.bind('tcp://127.0.0.1:*');
  const wrong = keep(new zmq.Push({ linger: 0, plainUsername: 'ann', plainPassword: 'guess' }));
  const failed = once(pull.events, 'handshake:error');
  wrong.connect(pull.lastEndpoint!);
  expect((await failed)[0].error).toMatchObject({ code: 'ERR_PEER_REFUSED' });
  const right = keep(new zmq.Push({ linger: 0, plainUsername: 'ann', plainPassword: 'secret' }));
  right.connect(pull.lastEndpoint!);
  await right.send('in');
  expect(String(await pull.receive())).toBe('in');
});

test('PLAIN lets the right password in and nobody else, with libzmq as the server', async () => {
  const authority = keep(new zmq.Reply());
  await authority.bind('inproc://zeromq.zap.01');
  // ZAP (RFC 27): version, request, domain, address, identity, mechanism, then the credentials of PLAIN.
  const answering = (async () => {
    for await (const [version, request, , , , , user, password] of authority) {
      const known = String(user) === 'ann' && String(password) === 'secret';
      await authority.send([version!, request!, known ? '200' : '400', '', '', '']);
    }
  })();
  const pull = keep(new zmq.Pull({ plainServer: true, zapDomain: 'test' }));
  await pull.bind('tcp://127.0.0.1:*');
  const wrong = keep(new Push({ plain: { username: 'ann', password: 'guess' } }));
  const failed = once(wrong.events, 'handshake:error');
  wrong.connect(pull.lastEndpoint!);
  expect((await failed)[0].error).toMatchObject({ code: 'ERR_PEER_REFUSED' });
  await wrong.close();
  const right = keep(new Push({ plain: { username: 'ann', password: 'secret' } }));
  right.connect(pull.lastEndpoint!);
  await right.send('in');
  expect(String(await pull.receive())).toBe('in');
  pull.close();
  authority.close();
  await answering;
});

test('PLAIN works between two of ours, and NULL is refused by it', async () => {
  const pull = keep(new Pull({ plain: { server: true, username: 'ann', password: 'secret' } }));
  await pull.bind('tcp://127.0.0.1:*');
  const bare = keep(new Push());
  const failed = Promise.all([once(bare.events, 'handshake:error'), once(pull.events, 'handshake:error')]);
  bare.connect(pull.lastEndpoint!);
  for (const [event] of await failed) expect(event.error).toMatchObject({ code: 'ERR_PEER_REFUSED' });
  const push = keep(new Push({ plain: { username: 'ann', password: 'secret' } }));
  push.connect(pull.lastEndpoint!);
  await push.send('in');
  expect(String(await pull.receive())).toBe('in');
});

test('what is sent before anybody has bound arrives when somebody does', async () => {
  const path = join(tmpdir(), `zmtp-late-${process.pid}.sock`);
  const push = keep(new Push({ reconnectIntervalMs: 10 }));
  push.connect(`ipc://${path}`);
  await push.send('early');
  await sleep(50);
  const pull = keep(new Pull());
  await pull.bind(`ipc://${path}`);
  expect(String(await pull.receive())).toBe('early');
  await rm(path, { force: true });
});

test('PUSH goes round its peers, PULL takes from its peers in turn', async () => {
  const pulls = [keep(new Pull()), keep(new Pull()), keep(new Pull())];
  const push = keep(new Push());
  for (const pull of pulls) {
    await pull.bind('tcp://127.0.0.1:*');
    push.connect(pull.lastEndpoint!);
  }
  for (let index = 0; index < 9; index++) await push.send(String(index));
  for (const [index, pull] of pulls.entries()) {
    for (const turn of [0, 1, 2]) expect(String(await pull.receive())).toBe(String(index + 3 * turn));
  }
  const sink = keep(new Pull());
  await sink.bind('tcp://127.0.0.1:*');
  const sources = ['a', 'b', 'c'].map((name) => ({ name, socket: keep(new Push()) }));
  for (const { name, socket } of sources) {
    socket.connect(sink.lastEndpoint!);
    for (let index = 0; index < 20; index++) await socket.send(name);
  }
  await sleep(200);
  for (let turn = 0; turn < 19; turn++) {
    const names = [await sink.receive(), await sink.receive(), await sink.receive()].map(String);
    expect(new Set(names).size).toBe(3);
  }
});

test('a PUB gives each of ten subscribers a message once, however many of its topics match, and its memory back after the last', async () => {
  const pub = keep(new Pub());
  await pub.bind('tcp://127.0.0.1:*');
  const subs = Array.from({ length: 10 }, () => keep(new Sub()));
  for (const sub of subs) {
    sub.connect(pub.lastEndpoint!);
    sub.subscribe('', 'a', 'ab');
  }
  await sleep(200);
  let released = 0;
  await pub.send(['abc', Buffer.alloc(200_000, 5)], { released: () => released++ });
  await pub.send('abc');
  for (const sub of subs) {
    expect((await sub.receive())[1]!.equals(Buffer.alloc(200_000, 5))).toBe(true);
    expect(await sub.receive()).toHaveLength(1);
    expect(sub.tryReceive()).toBeUndefined();
  }
  await sleep(20);
  expect(released).toBe(1);
});

test('a PUB counts what a subscriber at its mark misses', async () => {
  const pub = keep(new Pub({ sendHighWaterMark: 5, lingerMs: 0 }));
  await pub.bind('tcp://127.0.0.1:*');
  const sub = keep(new Sub({ receiveHighWaterMark: 1 }));
  sub.connect(pub.lastEndpoint!);
  sub.subscribe();
  await sleep(100);
  for (let index = 0; index < 100; index++) await pub.send(Buffer.alloc(1024 * 1024));
  const { sent, dropped } = pub.stats();
  expect(dropped.highWater).toBeGreaterThan(0);
  expect(sent + dropped.highWater).toBe(100);
});

test('with conflate only the latest message of each topic waits, whole', async () => {
  const push = keep(new Push({ conflate: 'topic', reconnectIntervalMs: 10 }));
  const path = join(tmpdir(), `zmtp-latest-${process.pid}.sock`);
  push.connect(`ipc://${path}`);
  for (let index = 0; index < 10; index++) {
    await push.send(['a', String(index)]);
    await push.send(['b', String(index)]);
  }
  const pull = keep(new Pull());
  await pull.bind(`ipc://${path}`);
  expect((await pull.receive()).map(String)).toEqual(['a', '9']);
  expect((await pull.receive()).map(String)).toEqual(['b', '9']);
  expect(push.stats().dropped.conflated).toBe(18);
});

test('REQ and REP keep their turns, and a lost peer ends the wait', async () => {
  const req = keep(new Req());
  const rep = new Rep();
  await rep.bind('tcp://127.0.0.1:*');
  req.connect(rep.lastEndpoint!);
  await expect(req.receive()).rejects.toMatchObject({ code: 'ERR_STATE' });
  await expect(rep.send('x')).rejects.toMatchObject({ code: 'ERR_STATE' });
  await req.send('question');
  await expect(req.send('again')).rejects.toMatchObject({ code: 'ERR_STATE' });
  expect(String(await rep.receive())).toBe('question');
  await rep.send('answer');
  expect(String(await req.receive())).toBe('answer');
  await req.send('question');
  const answer = req.receive();
  const refused = expect(answer).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
  await rep.receive();
  await rep.close();
  await refused;
});

test('each piece of memory that was taken is in a message or given up, envelopes too', async () => {
  const lent = new Set<Buffer>();
  const onFrame = {
    thresholdBytes: 0,
    take: (lengthBytes: number) => {
      const memory = Buffer.from(new SharedArrayBuffer(lengthBytes));
      lent.add(memory);
      return memory;
    },
    abandoned: (memory: Buffer) => expect(lent.delete(memory)).toBe(true),
  };
  const req = keep(new Req({ onFrame }));
  const rep = keep(new Rep({ onFrame }));
  await rep.bind('tcp://127.0.0.1:*');
  req.connect(rep.lastEndpoint!);
  for (let turn = 0; turn < 5; turn++) {
    await req.send(['question', '']);
    for (const part of await rep.receive()) expect(lent.delete(part)).toBe(true);
    await rep.send('answer');
    for (const part of await req.receive()) expect(lent.delete(part)).toBe(true);
  }
  expect(lent.size).toBe(0);
});

test('a ROUTER refuses a second peer of the same id, or hands over, and says when nobody has one', async () => {
  for (const handover of [false, true]) {
    const router = keep(new Router({ mandatory: true, handover }));
    await router.bind('tcp://127.0.0.1:*');
    await expect(router.send(['nobody', 'x'])).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
    const first = keep(new Dealer({ routingId: 'id', reconnectIntervalMs: 60_000, reconnectMaxIntervalMs: 60_000 }));
    first.connect(router.lastEndpoint!);
    await once(router.events, 'handshake');
    const second = keep(new Dealer({ routingId: 'id', reconnectIntervalMs: 60_000, reconnectMaxIntervalMs: 60_000 }));
    second.connect(router.lastEndpoint!);
    const loser = handover ? first : second;
    await once(loser.events, 'disconnect');
    await router.send(['id', 'yours']);
    expect(String(await (handover ? second : first).receive())).toBe('yours');
  }
});

test('a second peer of a PAIR is refused', async () => {
  const pair = keep(new Pair());
  await pair.bind('tcp://127.0.0.1:*');
  const [first, second] = [keep(new Pair()), keep(new Pair())];
  first.connect(pair.lastEndpoint!);
  await once(pair.events, 'handshake');
  second.connect(pair.lastEndpoint!);
  await once(second.events, 'disconnect');
  await pair.send('first');
  expect(String(await first.receive())).toBe('first');
});

test('calls that wait end by signal, by time and by close; close may come twice', async () => {
  const pull = new Pull();
  const abort = new AbortController();
  const waiting = pull.receive({ signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(new Push({ sendTimeoutMs: 20 }).send('x')).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  const last = pull.receive();
  const seen: unknown[] = [];
  const looping = (async () => {
    for await (const parts of pull) seen.push(parts);
  })();
  const refused = expect(last).rejects.toMatchObject({ code: 'ERR_CLOSED' });
  await Promise.all([pull.close(), pull.close()]);
  await refused;
  await looping;
  await expect(pull.bind('tcp://127.0.0.1:*')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
});

test('close lingers until what is queued was written', async () => {
  const push = new Push({ sendHighWaterMark: 0, lingerMs: 5000 });
  const pull = keep(new Pull());
  await pull.bind('tcp://127.0.0.1:*');
  push.connect(pull.lastEndpoint!);
  for (let index = 0; index < 5000; index++) await push.send(String(index));
  const closed = push.close();
  for (let index = 0; index < 5000; index++) expect(String(await pull.receive())).toBe(String(index));
  await closed;
});

test('accepted streams give the same when Node copies', async () => {
  const pull = keep(
    new Pull({ copyAccepted: true, onFrame: { thresholdBytes: 100, take: (length) => Buffer.alloc(length), abandoned: () => {} } }),
  );
  const push = keep(new Push());
  await pull.bind('tcp://127.0.0.1:*');
  push.connect(pull.lastEndpoint!);
  for (const size of [0, 99, 100, 70_000, 3_000_000]) {
    await push.send(Buffer.alloc(size, 3));
    expect((await pull.receive())[0]!.equals(Buffer.alloc(size, 3))).toBe(true);
  }
});

test("IPv6 and abstract names work, and the file of a dead process is in nobody's way", async () => {
  for (const address of ['tcp://[::1]:*', `ipc://@millrace-${process.pid}`]) {
    const pull = keep(new Pull());
    const push = keep(new Push());
    await pull.bind(address);
    push.connect(pull.lastEndpoint!);
    await push.send('there');
    expect(String(await pull.receive())).toBe('there');
  }
});

test.each([
  'tcp://host',
  'tcp://host:70000',
  'tcp://[zz]:1',
  'udp://a:1',
  'ipc://',
  `ipc://${'x'.repeat(200)}`,
  'tcp://*:1',
  'tcp://h:*',
  'ipc://*',
])('%s is no address to connect to', (address) => {
  expect(() => parseEndpoint(address, 'connect')).toThrow(expect.objectContaining({ code: 'ERR_ADDRESS' }));
});

test('pauses between attempts double up to their limit and are cut by half at most', () => {
  for (const [share, factor] of [
    [0, 1],
    [1, 0.5],
  ] as const) {
    const delay = new ReconnectDelay(100, 1000, () => share);
    expect(Array.from({ length: 6 }, () => delay.next())).toEqual([100, 200, 400, 800, 1000, 1000].map((ms) => ms * factor));
    delay.reset();
    expect(delay.next()).toBe(100 * factor);
  }
});

test('an option that no socket has, or with the value of zeromq.js, is refused and not ignored', () => {
  const wrong = [{ linger: 0 }, { highWaterMark: 3 }, { conflate: true }, { plain: { username: 'u' } }, { plain: null }, { plain: 'u:p' }];
  for (const options of wrong)
    expect(() => new Push(options as never), JSON.stringify(options)).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  expect(() => new Push({ linger: 0 } as never)).toThrow("'lingerMs'");
});
