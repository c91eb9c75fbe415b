import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import * as zmq from 'zeromq';
import * as own from '../../../src/transports/zmtp/zmtp.js';
import { keep } from '../../support/closed-after-each.js';
import { testSize } from '../../support/test-size.js';

// The other side is libzmq, by the zeromq addon; every pair is run with either side bound.
interface Bindable {
  bind(address: string): Promise<void>;
  connect(address: string): void;
  lastEndpoint: string | null;
}

/** Binds one and connects the other. */
async function join2(bound: Bindable, connected: Bindable, address = 'tcp://127.0.0.1:*'): Promise<void> {
  await bound.bind(address);
  connected.connect(bound.lastEndpoint!);
}

async function link(ours: Bindable, theirs: Bindable, oursBinds: boolean, address?: string): Promise<void> {
  await (oursBinds ? join2(ours, theirs, address) : join2(theirs, ours, address));
}

const linger = { linger: 0 };

function pattern(lengthBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  for (let index = 0; index < lengthBytes; index += 1 + (index >> 8)) bytes[index] = (index * 31 + seed) & 255;
  return bytes;
}

const SIZES = [0, 1, 255, 256, 4096, 16 * 1024, 64 * 1024, 64 * 1024 * 1024];
const PARTS = [1, 2, 9, 1000];

describe.each([true, false])('with our side bound: %s', (oursBinds) => {
  test('PUSH sends each size and number of parts to libzmq unchanged', async () => {
    const ours = keep(new own.Push());
    const theirs = keep(new zmq.Pull());
    await link(ours, theirs, oursBinds);
    for (const size of SIZES) {
      await ours.send(pattern(size, size));
      const [body, ...rest] = await theirs.receive();
      expect(rest).toHaveLength(0);
      expect(body!.equals(pattern(size, size))).toBe(true);
    }
    for (const count of PARTS) {
      const parts = Array.from({ length: count }, (_, index) => pattern((index * 37) % 600, index));
      await ours.send(parts);
      expect(Buffer.concat(await theirs.receive()).equals(Buffer.concat(parts))).toBe(true);
    }
  });

  test('PULL receives each size and number of parts from libzmq unchanged', async () => {
    const ours = keep(new own.Pull());
    const theirs = keep(new zmq.Push(linger));
    await link(ours, theirs, oursBinds);
    for (const size of SIZES) {
      await theirs.send(pattern(size, size));
      const [body, ...rest] = await ours.receive();
      expect(rest).toHaveLength(0);
      expect(body!.equals(pattern(size, size))).toBe(true);
    }
    for (const count of PARTS) {
      const parts = Array.from({ length: count }, (_, index) => pattern((index * 37) % 600, index));
      await theirs.send(parts);
      const got = await ours.receive();
      expect(got.map((part) => part.length)).toEqual(parts.map((part) => part.length));
      expect(Buffer.concat(got).equals(Buffer.concat(parts))).toBe(true);
    }
  });

  test('frames above the threshold are read into memory of the caller, which may be shared', async () => {
    const given: Buffer[] = [];
    const filled: Buffer[] = [];
    const ours = keep(
      new own.Pull({
        onFrame: {
          thresholdBytes: 1024,
          take: (lengthBytes) => {
            const memory = Buffer.from(new SharedArrayBuffer(lengthBytes));
            given.push(memory);
            return memory;
          },
          filled: (memory) => filled.push(memory),
          abandoned: () => expect.unreachable(),
        },
      }),
    );
    const theirs = keep(new zmq.Push(linger));
    await link(ours, theirs, oursBinds);
    for (const size of [1023, 1024, 100_000, 8 * 1024 * 1024]) {
      await theirs.send(['head', pattern(size, 1)]);
      const [, body] = await ours.receive();
      expect(body!.equals(pattern(size, 1))).toBe(true);
      expect(given.includes(body!)).toBe(size >= 1024);
    }
    expect(filled.every((memory, index) => memory === given[index])).toBe(true);
    expect(filled).toHaveLength(3);
    expect(given).toHaveLength(3);
  });

  test.each([true, false])('SUB and PUB agree on prefixes, with the publisher ours: %s', async (oursPublishes) => {
    const pub = keep(oursPublishes ? new own.Pub() : new zmq.Publisher(linger));
    const sub = keep(oursPublishes ? new zmq.Subscriber() : new own.Sub());
    const ours = (oursPublishes ? pub : sub) as Bindable;
    await link(ours, (oursPublishes ? sub : pub) as Bindable, oursBinds);
    sub.subscribe('a', 'stop');
    // A SUB of libzmq that was bound tells its subscriptions when it is read from, not before.
    const first = sub.receive();
    await sleep(200);
    await pub.send(['b1', 'no']);
    await pub.send(['a1', 'yes']);
    await pub.send(['ab', pattern(70_000, 3)]);
    expect((await first).map(String)).toEqual(['a1', 'yes']);
    expect((await sub.receive())[1]!.equals(pattern(70_000, 3))).toBe(true);
    sub.unsubscribe('a');
    await sleep(200);
    await pub.send('a2');
    await pub.send('stop');
    expect((await sub.receive()).map(String)).toEqual(['stop']);
  });

  test.each([true, false])('XPUB hears the subscriptions of XSUB, with the publisher ours: %s', async (oursPublishes) => {
    const pub = keep(oursPublishes ? new own.Xpub() : new zmq.XPublisher(linger));
    const sub = keep(oursPublishes ? new zmq.XSubscriber(linger) : new own.Xsub());
    await link((oursPublishes ? pub : sub) as Bindable, (oursPublishes ? sub : pub) as Bindable, oursBinds);
    await sleep(100);
    await sub.send(Buffer.from('\x01topic', 'latin1'));
    expect((await pub.receive())[0]!.toString('latin1')).toBe('\x01topic');
    await pub.send(['topical', '1']);
    expect((await sub.receive()).map(String)).toEqual(['topical', '1']);
    await sub.send(['up', 'stream']);
    expect((await pub.receive()).map(String)).toEqual(['up', 'stream']);
    await sub.send(Buffer.from('\x00topic', 'latin1'));
    expect((await pub.receive())[0]!.toString('latin1')).toBe('\x00topic');
  });

  test.each([
    'req-rep',
    'req-router',
    'dealer-rep',
    'dealer-router',
    'router-dealer',
    'dealer-dealer',
    'rep-req',
    'pair-pair',
    'router-router',
  ])('%s: what we send comes back', async (pair) => {
    const [left, right] = pair.split('-');
    const ours: Record<string, () => own.Req | own.Rep | own.Dealer | own.Router | own.Pair> = {
      req: () => new own.Req(),
      rep: () => new own.Rep(),
      dealer: () => new own.Dealer({ routingId: 'me' }),
      router: () => new own.Router({ routingId: 'me' }),
      pair: () => new own.Pair(),
    };
    const others: Record<string, () => zmq.Request | zmq.Reply | zmq.Dealer | zmq.Router | zmq.Pair> = {
      req: () => new zmq.Request(linger),
      rep: () => new zmq.Reply(linger),
      dealer: () => new zmq.Dealer({ ...linger, routingId: 'they' }),
      router: () => new zmq.Router({ ...linger, routingId: 'they' }),
      pair: () => new zmq.Pair(linger),
    };
    const mine = keep(ours[left!]!());
    const theirs = keep(others[right!]!());
    // A ROUTER drops what it sends to a peer that it does not know yet.
    const known = once(mine.events, 'handshake');
    await link(mine, theirs, oursBinds);
    await known;
    for (const size of [0, 1, 255, 256, 65_536]) {
      const body = pattern(size, 7);
      const messages = {
        // An answering side cannot begin.
        'rep-req': async () => {
          await (theirs as zmq.Request).send(['ask', body]);
          expect((await mine.receive())[1]!.equals(body)).toBe(true);
          await (mine as own.Rep).send(['answer', body]);
          expect((await theirs.receive())[1]!.equals(body)).toBe(true);
        },
      }[pair];
      if (messages) {
        await messages();
        continue;
      }
      const envelope = left === 'router' ? ['they'] : [];
      const delimiter = pair === 'dealer-rep' ? [''] : [];
      await (mine as own.Dealer).send([...envelope, ...delimiter, 'x', body]);
      const got = await theirs.receive();
      expect(got.at(-1)!.equals(body)).toBe(true);
      await (theirs as zmq.Dealer).send(got.map((part) => part));
      const back = await mine.receive();
      expect(back.at(-1)!.equals(body)).toBe(true);
      expect(back.at(-2)!.toString()).toBe('x');
    }
  });

  test('ipc carries messages both ways', async () => {
    const path = join(tmpdir(), `zmtp-${process.pid}-${oursBinds}.sock`);
    const ours = keep(new own.Pair());
    const theirs = keep(new zmq.Pair(linger));
    await link(ours, theirs, oursBinds, `ipc://${path}`);
    await ours.send('to');
    expect(String(await theirs.receive())).toBe('to');
    await theirs.send('fro');
    expect(String(await ours.receive())).toBe('fro');
    await rm(path, { force: true });
  });

  test('heartbeats of either side keep a silent connection alive', async () => {
    const ours = keep(new own.Dealer({ heartbeatIntervalMs: 30, heartbeatTtlMs: 200 }));
    const theirs = keep(new zmq.Dealer({ ...linger, heartbeatInterval: 30, heartbeatTimeout: 100, heartbeatTimeToLive: 200 }));
    let lost = 0;
    ours.events.on('disconnect', () => {
      lost += 1;
    });
    await link(ours, theirs, oursBinds);
    await sleep(600);
    expect(lost).toBe(0);
    await ours.send('still here');
    expect(String(await theirs.receive())).toBe('still here');
  });
});

test('many messages come in order from libzmq, and as many go to it', { timeout: 120_000 }, async () => {
  const count = testSize('MILLRACE_TEST_ZMTP_MESSAGES', 20_000, 100_000);
  const ours = keep(new own.Pull());
  const theirs = keep(new zmq.Push(linger));
  await join2(ours, theirs);
  const sending = (async () => {
    for (let index = 0; index < count; index++) await theirs.send(String(index));
  })();
  for (let index = 0; index < count; index++) {
    const [body] = await ours.receive();
    if (Number(body!.toString()) !== index) expect.unreachable(`${body} where ${index} was due`);
  }
  await sending;
  const back = keep(new own.Push());
  const sink = keep(new zmq.Pull());
  await join2(back, sink);
  const going = (async () => {
    for (let index = 0; index < count; index++) await back.send(String(index));
  })();
  for (let index = 0; index < count; index++) {
    const [body] = await sink.receive();
    if (Number(body!.toString()) !== index) expect.unreachable(`${body} where ${index} was due`);
  }
  await going;
});
