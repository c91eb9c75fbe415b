import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { Pub, Sub, Xpub, Xsub } from '../../../src/transports/zmtp/zmtp.js';
import { keep } from '../../support/closed-after-each.js';
import { opening, openStream } from './raw-peer.js';

const heads = vi.hoisted(() => ({ written: 0 }));
vi.mock('../../../src/transports/zmtp/frame-layout.js', async (original) => {
  const real = await original<typeof import('../../../src/transports/zmtp/frame-layout.js')>();
  const writeHead: typeof real.writeHead = (...args) => {
    heads.written += 1;
    return real.writeHead(...args);
  };
  return { ...real, writeHead };
});

async function subscribers(pub: Pub, count: number): Promise<Sub[]> {
  await pub.bind('tcp://127.0.0.1:*');
  const subs = Array.from({ length: count }, () => keep(new Sub()));
  for (const sub of subs) {
    sub.connect(pub.lastEndpoint!);
    sub.subscribe();
  }
  while (pub.stats().peers < count) await sleep(5);
  await sleep(100);
  return subs;
}

test('a PUB frames a message once, however many subscribers take it', async () => {
  for (const count of [1, 10]) {
    const pub = keep(new Pub());
    const subs = await subscribers(pub, count);
    heads.written = 0;
    for (let index = 0; index < 100; index++) await pub.send(['topic', Buffer.alloc(1000, index)]);
    expect(heads.written).toBe(200);
    for (const sub of subs) {
      for (let index = 0; index < 100; index++) expect((await sub.receive())[1]!.equals(Buffer.alloc(1000, index))).toBe(true);
    }
  }
});

test('a PUB without a mark does not take a turn of the event loop for each message', async () => {
  const pub = keep(new Pub({ sendHighWaterMark: 0, lingerMs: 0 }));
  await subscribers(pub, 1);
  let turns = 0;
  setImmediate(() => turns++);
  await pub.send('0');
  for (let index = 0; index < 100; index++) await pub.send('x');
  expect(turns).toBe(0);
});

test('an XPUB hears the first subscription to a topic and the end of the last; a verbose one each, and the end of the last', async () => {
  for (const verbose of [false, true]) {
    const pub = keep(new Xpub({ verbose }));
    await pub.bind('tcp://127.0.0.1:*');
    const [first, second] = [keep(new Sub()), keep(new Sub())];
    for (const sub of [first, second]) {
      sub.connect(pub.lastEndpoint!);
      sub.subscribe('t');
    }
    await sleep(100);
    first.unsubscribe('t');
    await sleep(50);
    second.unsubscribe('t');
    await sleep(50);
    const heard: string[] = [];
    for (let parts = pub.tryReceive(); parts !== undefined; parts = pub.tryReceive()) heard.push(parts[0]!.toString('latin1'));
    expect(heard).toEqual(verbose ? ['\x01t', '\x01t', '\x00t'] : ['\x01t', '\x00t']);
  }
});

test('an XSUB hands on what comes, a SUB what it asked for', async () => {
  for (const socket of [keep(new Xsub()), keep(new Sub())]) {
    await socket.bind('tcp://127.0.0.1:*');
    const stream = openStream(socket.lastEndpoint!);
    stream.resume();
    // A publisher that does not filter.
    stream.end(Buffer.concat([opening('PUB'), Buffer.from([0, 1, 65])]));
    await once(socket.events, 'disconnect');
    const passes = socket instanceof Xsub;
    expect(socket.tryReceive()?.map(String)).toEqual(passes ? ['A'] : undefined);
    expect(socket.stats().dropped.unwanted).toBe(passes ? 0 : 1);
  }
});
