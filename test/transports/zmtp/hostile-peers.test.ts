import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeCommand } from '../../../src/transports/zmtp/command.js';
import { frame } from '../../../src/transports/zmtp/frame-layout.js';
import { Pub, Pull, Push, type SocketEvent } from '../../../src/transports/zmtp/zmtp.js';
import { itFull } from '../../support/test-size.js';
import { opening, openStream } from './raw-peer.js';

const open: { close(): Promise<void> }[] = [];
function keep<T extends { close(): Promise<void> }>(socket: T): T {
  open.push(socket);
  return socket;
}
afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close();
});

async function lossOf(socket: Pull | Pub, bytes: Iterable<Buffer>): Promise<SocketEvent> {
  await socket.bind('tcp://127.0.0.1:*');
  const lost = Promise.race([once(socket.events, 'handshake:error'), once(socket.events, 'disconnect')]);
  const stream = openStream(socket.lastEndpoint!);
  await once(stream, 'connect');
  stream.resume();
  for (const piece of bytes) {
    if (stream.destroyed) break;
    if (stream.write(piece)) continue;
    const wake = new AbortController();
    const { signal } = wake;
    await Promise.race([once(stream, 'drain', { signal }), once(stream, 'close', { signal }), lost]).finally(() => wake.abort());
  }
  const [event] = await lost;
  stream.destroy();
  return event as SocketEvent;
}

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
function* subscriptions(count: number): Generator<Buffer> {
  yield opening('SUB');
  for (let index = 0; index < count; index += 1000) {
    yield Buffer.concat(Array.from({ length: 1000 }, (_, step) => encodeCommand('SUBSCRIBE', Buffer.from(`topic ${index + step}`))));
  }
}

describe('a peer is cut off with a code when it', () => {
  test.each<[string, string, Iterable<Buffer>]>([
    ['sends garbage', 'ERR_PEER_PROTOCOL', [Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
    ['announces a frame of 2^63 bytes', 'ERR_PEER_PROTOCOL', [opening('PUSH'), hex('02 8000000000000000')]],
    ['announces a frame over the bound', 'ERR_PEER_LIMIT', [opening('PUSH'), hex('02 0000000100000000')]],
    ['sends a command over its bound', 'ERR_PEER_LIMIT', [opening('PUSH'), hex('06 0000000000020000')]],
    ['sends a message before the handshake is over', 'ERR_PEER_PROTOCOL', [opening('PUSH').subarray(0, 64), frame(0, Buffer.alloc(1))]],
    ['is of a type that does not fit', 'ERR_PEER_REFUSED', [opening('SUB')]],
    ['sends a message of endless parts', 'ERR_PEER_LIMIT', [opening('PUSH'), Buffer.alloc(2 * 70_000).fill(hex('01 00'))]],
    ['sends READY twice', 'ERR_PEER_PROTOCOL', [opening('PUSH'), encodeCommand('READY')]],
    ['sends an ERROR', 'ERR_PEER_REFUSED', [opening('PUSH'), encodeCommand('ERROR', hex('02 6e6f'))]],
    ['subscribes at a socket that publishes nothing', 'ERR_PEER_PROTOCOL', [opening('PUSH'), encodeCommand('SUBSCRIBE')]],
  ])('%s (%s)', async (_what, code, bytes) => {
    const event = await lossOf(keep(new Pull()), bytes);
    expect(event.error).toMatchObject({ code });
  });

  itFull('wants a million subscriptions', async () => {
    const before = process.memoryUsage().rss;
    const event = await lossOf(keep(new Pub()), subscriptions(1_000_000));
    expect(event.error).toMatchObject({ code: 'ERR_PEER_LIMIT' });
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
  });

  test.each([
    ['says nothing', Buffer.alloc(0)],
    ['stops within its greeting', opening('PUSH').subarray(0, 40)],
    ['stops before READY', opening('PUSH').subarray(0, 70)],
  ])('%s (ERR_PEER_SILENT)', async (_what, bytes) => {
    const event = await lossOf(keep(new Pull({ handshakeTimeoutMs: 100 })), [bytes]);
    expect(event.error).toMatchObject({ code: 'ERR_PEER_SILENT' });
  });

  test('answers no heartbeat, or breaks the promise of its own', async () => {
    const event = await lossOf(keep(new Pull({ heartbeatIntervalMs: 50, heartbeatTimeoutMs: 100 })), [opening('PUSH')]);
    expect(event.error).toMatchObject({ code: 'ERR_PEER_SILENT' });
    const promised = await lossOf(keep(new Pull()), [opening('PUSH'), encodeCommand('PING', hex('0001'))]);
    expect(promised.error).toMatchObject({ code: 'ERR_PEER_SILENT' });
  });
});

test('a PING comes back as a PONG with its context', async () => {
  const pull = keep(new Pull());
  await pull.bind('tcp://127.0.0.1:*');
  const stream = openStream(pull.lastEndpoint!);
  stream.write(Buffer.concat([opening('PUSH'), encodeCommand('PING', hex('0000 616263'))]));
  let got = Buffer.alloc(0);
  const pong = encodeCommand('PONG', Buffer.from('abc'));
  for await (const bytes of stream) {
    got = Buffer.concat([got, bytes as Buffer]);
    if (got.includes(pong)) break;
  }
  expect(got.indexOf(pong)).toBeGreaterThan(64);
});

test('a peer of ZMTP 2.0 is spoken to in its own words', async () => {
  const pull = keep(new Pull());
  await pull.bind('tcp://127.0.0.1:*');
  const stream = openStream(pull.lastEndpoint!);
  // Signature, revision 1, socket type PUSH, an empty routing id, then a message of two frames.
  stream.write(hex('ff 0000000000000001 7f 01 08 00 00 01 01 61 00 01 62'));
  expect((await pull.receive()).map(String)).toEqual(['a', 'b']);
  const [answer] = (await once(stream, 'data')) as [Buffer];
  const rest = answer.length > 11 ? answer : Buffer.concat([answer, ((await once(stream, 'data')) as [Buffer])[0]]);
  expect(rest).toEqual(hex('ff 0000000000000001 7f 03 07 00 00'));
  stream.destroy();
});

test('a peer of ZMTP 3.0 subscribes by messages', async () => {
  const pub = keep(new Pub());
  await pub.bind('tcp://127.0.0.1:*');
  const stream = openStream(pub.lastEndpoint!);
  stream.write(Buffer.concat([opening('SUB', 0), frame(0, hex('01 61'))]));
  stream.resume();
  await once(pub.events, 'handshake');
  await sleep(50);
  const seen = once(stream, 'data');
  await pub.send('abc');
  expect(((await seen) as [Buffer])[0].subarray(-5)).toEqual(hex('00 03 616263'));
  stream.destroy();
});

test('a body that stops half way gives the memory of the caller back, once', async () => {
  const abandoned: Buffer[] = [];
  const memory = Buffer.from(new SharedArrayBuffer(100_000));
  const onFrame = { thresholdBytes: 1000, take: () => memory, abandoned: (given: Buffer) => abandoned.push(given) };
  const pull = keep(new Pull({ onFrame }));
  await pull.bind('tcp://127.0.0.1:*');
  const stream = openStream(pull.lastEndpoint!);
  stream.write(Buffer.concat([opening('PUSH'), frame(0, Buffer.alloc(100_000)).subarray(0, 50_000)]));
  await sleep(100);
  stream.destroy();
  await once(pull.events, 'disconnect');
  await pull.close();
  expect(abandoned).toHaveLength(1);
  expect(abandoned[0]).toBe(memory);
});

test('a peer that finds no memory waits, and loses nothing', async () => {
  const bodies = [1, 2, 3].map((value) => Buffer.alloc(300_000, value));
  let free = 0;
  const onFrame = {
    thresholdBytes: 1000,
    take: (lengthBytes: number) => {
      if (free === 0) return null;
      free -= 1;
      return Buffer.from(new SharedArrayBuffer(lengthBytes));
    },
    abandoned: () => {},
  };
  const pull = keep(new Pull({ onFrame }));
  const push = keep(new Push());
  await pull.bind('tcp://127.0.0.1:*');
  push.connect(pull.lastEndpoint!);
  for (const body of bodies) await push.send(body);
  await sleep(100);
  expect(pull.tryReceive()).toBeUndefined();
  for (const body of bodies) {
    free = 1;
    pull.resumeFrames();
    expect((await pull.receive())[0]!.equals(body)).toBe(true);
  }
});

test('a receiver that does not receive stops the sender, whose memory stays within its marks', async () => {
  const pull = keep(new Pull({ receiveHighWaterMark: 10 }));
  const push = keep(new Push({ sendHighWaterMark: 10, sendTimeoutMs: 200, lingerMs: 0 }));
  await pull.bind('tcp://127.0.0.1:*');
  push.connect(pull.lastEndpoint!);
  let taken = 0;
  const body = Buffer.alloc(1024 * 1024);
  await expect(
    (async () => {
      for (; taken < 200; taken++) await push.send(body);
    })(),
  ).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  expect(push.stats().queuedMessages).toBeLessThanOrEqual(10);
  for (let index = 0; index < taken; index++) expect((await pull.receive())[0]).toHaveLength(body.length);
});

test('`released` comes once for each message, after its bytes were taken or it was dropped', async () => {
  const push = keep(new Push({ sendHighWaterMark: 0, lingerMs: 0 }));
  const pull = keep(new Pull());
  await pull.bind('tcp://127.0.0.1:*');
  push.connect(pull.lastEndpoint!);
  const counts = new Array(60).fill(0);
  for (let index = 0; index < 60; index++) {
    await push.send(Buffer.alloc(index % 2 ? 100_000 : 10, index), { released: () => counts[index]++ });
  }
  for (let index = 0; index < 30; index++) expect((await pull.receive())[0]![0]).toBe(index);
  await pull.close();
  await push.close();
  expect(counts).toEqual(new Array(60).fill(1));
});
