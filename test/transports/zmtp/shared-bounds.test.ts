import { once } from 'node:events';
import type net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { encodeCommand, encodePing } from '../../../src/transports/zmtp/command.js';
import { FLAG_MORE, frame } from '../../../src/transports/zmtp/frame-layout.js';
import { Pub, Pull, Push, Sub, Xpub } from '../../../src/transports/zmtp/zmtp.js';
import { opening, openStream } from './raw-peer.js';

const MIB = 2 ** 20;
const open: { close(lingerMs?: number): Promise<void> }[] = [];
const streams: net.Socket[] = [];
function keep<T extends { close(lingerMs?: number): Promise<void> }>(socket: T): T {
  open.push(socket);
  return socket;
}
async function peer(socket: { lastEndpoint: string | null }, ...bytes: Buffer[]): Promise<net.Socket> {
  const stream = openStream(socket.lastEndpoint!);
  streams.push(stream);
  stream.on('error', () => undefined);
  stream.resume();
  await once(stream, 'connect');
  for (const piece of bytes) stream.write(piece);
  return stream;
}
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.destroy();
  for (const socket of open.splice(0)) await socket.close(0);
});

/** The head of a frame whose body does not follow. */
function longHead(flags: number, lengthBytes: number): Buffer {
  const head = Buffer.alloc(9);
  head[0] = flags | 2;
  head.writeBigUInt64BE(BigInt(lengthBytes), 1);
  return head;
}

test('a message over the limit is read past without memory, is reported, and the messages around it arrive', async () => {
  const oversized: number[] = [];
  const pull = keep(new Pull({ maxMessageBytes: 1000, onOversized: (lengthBytes) => oversized.push(lengthBytes) }));
  await pull.bind('tcp://127.0.0.1:*');
  const push = keep(new Push());
  push.connect(pull.lastEndpoint!);
  await push.send('before');
  await push.send(['small part', Buffer.alloc(5 * MIB), 'last part']);
  await push.send([Buffer.alloc(900), Buffer.alloc(50), Buffer.alloc(200)]);
  await push.send(['after', 'all']);
  expect((await pull.receive()).map(String)).toEqual(['before']);
  expect((await pull.receive()).map(String)).toEqual(['after', 'all']);
  expect(oversized).toHaveLength(2);
  expect(oversized[0]).toBeGreaterThanOrEqual(5 * MIB);
  expect(pull.stats().dropped.oversized).toBe(2);
});

test('memory that was lent to a message over the limit comes back once', async () => {
  const lent: Buffer[] = [];
  const abandoned: Buffer[] = [];
  const onFrame = {
    thresholdBytes: 100,
    take: (lengthBytes: number) => {
      const memory = Buffer.alloc(lengthBytes);
      lent.push(memory);
      return memory;
    },
    abandoned: (memory: Buffer) => abandoned.push(memory),
  };
  let count = 0;
  const pull = keep(new Pull({ maxMessageBytes: 1000, onFrame, onOversized: () => count++ }));
  await pull.bind('tcp://127.0.0.1:*');
  const push = keep(new Push());
  push.connect(pull.lastEndpoint!);
  await push.send([Buffer.alloc(600), Buffer.alloc(600), Buffer.alloc(600)]);
  await push.send('after');
  expect((await pull.receive()).map(String)).toEqual(['after']);
  expect(count).toBe(1);
  expect(abandoned).toEqual(lent);
});

test('a message over the limit with endless parts ends the connection', async () => {
  const pull = keep(new Pull({ maxMessageBytes: 10, maxParts: 100, onOversized: () => undefined }));
  await pull.bind('tcp://127.0.0.1:*');
  const lost = once(pull.events, 'disconnect');
  await peer(
    pull,
    opening('PUSH'),
    frame(FLAG_MORE, Buffer.alloc(20)),
    ...Array.from({ length: 200 }, () => frame(FLAG_MORE, Buffer.alloc(1))),
  );
  expect((await lost)[0].error).toMatchObject({ code: 'ERR_PEER_LIMIT' });
});

test('over the bound for unfinished messages the peer that holds most is cut off, and the others go on', async () => {
  const pull = keep(new Pull({ maxMessageBytes: 4 * MIB, maxUnfinishedBytes: 8 * MIB }));
  await pull.bind('tcp://127.0.0.1:*');
  const errors: unknown[] = [];
  pull.events.on('disconnect', ({ error }) => errors.push(error));
  const modest = await peer(pull, opening('PUSH'), longHead(0, MIB), Buffer.alloc(MIB - 1));
  for (let n = 0; n < 3; n++) await peer(pull, opening('PUSH'), longHead(0, 3 * MIB), Buffer.alloc(1000));
  while (errors.length === 0) await sleep(5);
  modest.write(Buffer.alloc(1));
  expect((await pull.receive())[0]).toHaveLength(MIB);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({ code: 'ERR_PEER_LIMIT' });
});

test('peers together hold no more received bytes than the bound, and none is lost', async () => {
  const PEERS = 8;
  const EACH = 40;
  const pull = keep(new Pull({ receiveTotalBytes: 2 * MIB, receiveHighWaterMark: 1000 }));
  await pull.bind('tcp://127.0.0.1:*');
  const pushes = Array.from({ length: PEERS }, () => keep(new Push({ sendHighWaterMark: 0, sendHighWaterBytes: 1e9 })));
  for (const push of pushes) {
    push.connect(pull.lastEndpoint!);
    for (let n = 0; n < EACH; n++) await push.send(Buffer.alloc(256 * 1024, n));
  }
  await sleep(200);
  const waiting = [...(pull as unknown as { peers: Set<{ inboundBytes: number }> }).peers].reduce(
    (sum, { inboundBytes }) => sum + inboundBytes,
    0,
  );
  // Each peer may be stopped only after the read at hand.
  expect(waiting).toBeLessThanOrEqual(2 * MIB + PEERS * 2 * 256 * 1024);
  const counts = new Map<number, number>();
  for (let n = 0; n < PEERS * EACH; n++) {
    const [body] = await pull.receive();
    counts.set(body![0]!, (counts.get(body![0]!) ?? 0) + 1);
  }
  expect([...counts.values()]).toEqual(Array.from({ length: EACH }, () => PEERS));
});

test('a peer that floods PING is read at a bounded rate, and another is served meanwhile', async () => {
  const pull = keep(new Pull());
  await pull.bind('tcp://127.0.0.1:*');
  const pings = Buffer.concat(Array.from({ length: 50_000 }, () => encodePing(0)));
  const flood = await peer(pull, opening('PUSH'));
  let taken = 0;
  const fill = (): void => {
    while (!flood.destroyed && flood.write(pings, () => taken++) && taken < 1000);
  };
  flood.on('drain', fill);
  fill();
  const push = keep(new Push());
  push.connect(pull.lastEndpoint!);
  const start = performance.now();
  for (let n = 0; n < 200; n++) {
    await push.send(`${n}`);
    expect(String((await pull.receive())[0])).toBe(`${n}`);
  }
  await sleep(Math.max(0, 1000 - (performance.now() - start)));
  const seconds = (performance.now() - start) / 1e3;
  // 50,000 at once, 20,000 a second, the reads at hand, and what the two kernels hold.
  const bytes = flood.bytesWritten - flood.writableLength;
  expect(bytes / encodePing(0).length).toBeLessThan(50_000 + 20_000 * seconds + 1_000_000);
});

test('over the bound for the subscriptions of all peers the one that has most is cut off', async () => {
  const pub = keep(new Pub({ maxTotalSubscriptions: 1000 }));
  await pub.bind('tcp://127.0.0.1:*');
  const good = keep(new Sub());
  good.subscribe('a/');
  good.connect(pub.lastEndpoint!);
  await once(pub.events, 'handshake');
  const errors: unknown[] = [];
  pub.events.on('disconnect', ({ error }) => errors.push(error));
  const wants = (name: string, count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, n) => encodeCommand('SUBSCRIBE', Buffer.from(`${name} ${n}`))));
  await peer(pub, opening('SUB'), wants('greedy', 800));
  await sleep(100);
  await peer(pub, opening('SUB'), wants('modest', 300));
  while (errors.length === 0) await sleep(5);
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatchObject({ code: 'ERR_PEER_LIMIT' });
  await sleep(50);
  await pub.send('a/frame');
  expect(String((await good.receive())[0])).toBe('a/frame');
});

test('an XPUB hears the end of the topics of a peer that was cut off', async () => {
  const pub = keep(new Xpub({ maxTotalSubscriptions: 3 }));
  await pub.bind('tcp://127.0.0.1:*');
  await peer(pub, opening('SUB'), ...['x', 'y', 'z'].map((topic) => encodeCommand('SUBSCRIBE', Buffer.from(topic))));
  for (const topic of ['x', 'y', 'z']) expect((await pub.receive())[0]).toEqual(Buffer.from(`\x01${topic}`));
  await peer(pub, opening('SUB'), encodeCommand('SUBSCRIBE', Buffer.from('w')));
  const heard: string[] = [];
  for (let n = 0; n < 4; n++) heard.push((await pub.receive())[0]!.toString('latin1'));
  expect(heard.sort()).toEqual(['\x00x', '\x00y', '\x00z', '\x01w']);
});
