import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SocketOptions } from '../../../src/transports/zmtp/zmtp.js';
import * as own from '../../../src/transports/zmtp/zmtp.js';
import { requireServer } from '../../support/servers/require-server.js';
import { itFull, sized } from '../../support/test-size.js';
import { makePart, type PartPlan, PyzmqPeer, type PyzmqSocket } from './pyzmq-peer.js';

// Interoperability with libzmq as Python programs use it: every pair of socket types, both ways, with either side bound.
const pyzmq = requireServer('pyzmq');

interface AnySocket {
  bind(address: string): Promise<void>;
  connect(address: string): void;
  close(): Promise<void>;
  readonly lastEndpoint: string | null;
  send(parts: readonly own.Part[]): Promise<void>;
  receive(): Promise<Buffer[]>;
}

const MAKE: Readonly<Record<string, (options?: SocketOptions) => unknown>> = {
  PUSH: (options) => new own.Push(options),
  PULL: (options) => new own.Pull(options),
  PUB: (options) => new own.Pub(options),
  SUB: (options) => new own.Sub(options),
  XPUB: (options) => new own.Xpub(options),
  XSUB: (options) => new own.Xsub(options),
  REQ: (options) => new own.Req(options),
  REP: (options) => new own.Rep(options),
  DEALER: (options) => new own.Dealer(options),
  ROUTER: (options) => new own.Router(options),
  PAIR: (options) => new own.Pair(options),
};

/** Ours, theirs, and which way messages go: there, back, or there and back. */
const PAIRS: [string, string, 'out' | 'in' | 'out, in' | 'in, out'][] = [
  ['PUSH', 'PULL', 'out'],
  ['PULL', 'PUSH', 'in'],
  ['PUB', 'SUB', 'out'],
  ['PUB', 'XSUB', 'out'],
  ['SUB', 'PUB', 'in'],
  ['SUB', 'XPUB', 'in'],
  ['XPUB', 'SUB', 'out'],
  ['XPUB', 'XSUB', 'out, in'],
  ['XSUB', 'PUB', 'in'],
  ['XSUB', 'XPUB', 'in, out'],
  ['REQ', 'REP', 'out, in'],
  ['REQ', 'ROUTER', 'out, in'],
  ['REP', 'REQ', 'in, out'],
  ['REP', 'DEALER', 'in, out'],
  ['DEALER', 'REP', 'out, in'],
  ['DEALER', 'DEALER', 'out, in'],
  ['DEALER', 'ROUTER', 'out, in'],
  ['ROUTER', 'REQ', 'in, out'],
  ['ROUTER', 'DEALER', 'out, in'],
  ['ROUTER', 'ROUTER', 'out, in'],
  ['PAIR', 'PAIR', 'out, in'],
];

/** What the caller of a socket puts before the parts and finds there (RFC 28). */
function envelope(type: string, partner: string, partnerId: string): PartPlan[] {
  const delimiter = (type === 'DEALER' && partner === 'REP') || (type === 'ROUTER' && partner === 'REQ') ? [''] : [];
  return [...(type === 'ROUTER' ? [partnerId] : []), ...delimiter];
}

// No part begins with 0 or 1: an XSUB of libzmq takes each such part for a subscription, wherever it stands in a message.
const single = (length: number): PartPlan[] => [{ length, seed: 2 + (length % 250) }];
const multi = (count: number): PartPlan[] =>
  Array.from({ length: count }, (_, index) => ({ length: (index * 37) % 600, seed: 2 + (index % 250) }));
const SMALL = [single(0), single(1), single(255), single(256), single(65_536), multi(1), multi(2), multi(9), multi(1000)];
const LARGE = single(64 * 1024 * 1024);

describe.skipIf(pyzmq.missing)(pyzmq.suite('with pyzmq'), () => {
  let python: PyzmqPeer;
  const opened: { close(): Promise<unknown> }[] = [];
  beforeAll(() => {
    python = new PyzmqPeer();
  });
  afterAll(() => python.stop());
  afterEach(async () => {
    for (const socket of opened.splice(0)) await socket.close();
  });
  function keep<T extends { close(): Promise<unknown> }>(socket: T): T {
    opened.push(socket);
    return socket;
  }

  async function link(mine: AnySocket, type: string, oursBinds: boolean, options: Record<string, unknown> = {}): Promise<PyzmqSocket> {
    if (oursBinds) {
      await mine.bind('tcp://127.0.0.1:*');
      return keep(await python.open(type, { connect: mine.lastEndpoint! }, options));
    }
    const theirs = keep(await python.open(type, { bind: 'tcp://127.0.0.1:*' }, options));
    mine.connect(theirs.address);
    return theirs;
  }

  /** Until the subscriptions have arrived, what is published goes nowhere. */
  async function settle(mine: AnySocket, theirs: PyzmqSocket, type: string, partner: string): Promise<void> {
    if (type === 'SUB') (mine as unknown as own.Sub).subscribe();
    if (type === 'XSUB') await mine.send([Buffer.from([1])]);
    if (partner === 'SUB') await theirs.set('SUBSCRIBE', '');
    if (partner === 'XSUB') await theirs.send(['\x01']);
    // A subscriber of libzmq that was bound tells its subscriptions when it is looked at, not before.
    if (partner.endsWith('SUB')) await theirs.poll(100);
    if (type === 'XPUB' || partner === 'XPUB') {
      const topic = '\x01';
      if (type === 'XPUB') expect((await mine.receive()).map((part) => part.toString('latin1'))).toEqual([topic]);
      else await theirs.receive([topic]);
    } else if (type === 'PUB') {
      do await mine.send(['hello']);
      while (!(await theirs.poll(20)));
    } else if (partner === 'PUB') {
      let there = false;
      const first = mine.receive().then(() => {
        there = true;
      });
      while (!there) {
        await theirs.send(['hello']);
        await Promise.race([first, sleep(20)]);
      }
    } else if (type === 'ROUTER' || partner === 'ROUTER') await sleep(100);
  }

  async function receiveOurs(mine: AnySocket, expected: readonly PartPlan[]): Promise<void> {
    let got = await mine.receive();
    while (got.length === 1 && String(got[0]) === 'hello') got = await mine.receive();
    const wanted = expected.map(makePart);
    expect(got.map((part) => part.length)).toEqual(wanted.map((part) => part.length));
    expect(got.every((part, index) => part.equals(wanted[index]!))).toBe(true);
  }

  for (const [index, [type, partner, way]] of PAIRS.entries()) {
    for (const oursBinds of sized(index % 2 === 0 ? [index % 4 === 0] : [], [true, false])) {
      test(`${type} here (${oursBinds ? 'bound' : 'connected'}) and ${partner} there: all sizes and numbers of parts, ${way}`, async () => {
        const named = type === 'ROUTER' || partner === 'ROUTER';
        const mine = keep(MAKE[type]!(named ? { routingId: 'me' } : {}) as AnySocket);
        const theirs = await link(mine, partner, oursBinds, named ? { ROUTING_ID: 'they' } : {});
        await settle(mine, theirs, type, partner);
        const before = envelope(type, partner, 'they');
        const there = envelope(partner, type, 'me');
        // The largest goes each way once, with either side bound in turn.
        for (const message of (index % 2 === 0) === oursBinds ? [...SMALL, LARGE] : SMALL) {
          for (const step of way.split(', ')) {
            if (step === 'out') {
              const [, theyGot] = await Promise.all([
                mine.send([...before, ...message].map(makePart)),
                theirs.receive([...there, ...message]).then(() => true),
              ]);
              expect(theyGot).toBe(true);
            } else await Promise.all([theirs.send([...there, ...message]), receiveOurs(mine, [...before, ...message])]);
          }
        }
      });
    }
  }

  itFull('a million messages come in order, and a million go', { timeout: 180_000 }, async () => {
    const count = 1_000_000;
    const pull = keep(new own.Pull());
    await pull.bind('tcp://127.0.0.1:*');
    const pusher = keep(await python.open('PUSH', { connect: pull.lastEndpoint! }));
    const sending = pusher.sendNumbers(count);
    for (let number = 0; number < count; number++) {
      const [body] = pull.tryReceive() ?? (await pull.receive());
      if (body!.readUInt32LE(0) !== number) expect.unreachable(`${body!.readUInt32LE(0)} where ${number} was due`);
    }
    await sending;
    const push = keep(new own.Push());
    await push.bind('tcp://127.0.0.1:*');
    const puller = keep(await python.open('PULL', { connect: push.lastEndpoint! }));
    const receiving = puller.receiveNumbers(count);
    for (let number = 0; number < count; number++) {
      const body = Buffer.allocUnsafe(4);
      body.writeUInt32LE(number, 0);
      await push.send(body);
    }
    await receiving;
  });

  test.each([true, false])('topics are prefixes, and end when they are given up, with the publisher here: %s', async (oursPublishes) => {
    if (oursPublishes) {
      const pub = keep(new own.Pub());
      await pub.bind('tcp://127.0.0.1:*');
      const sub = keep(await python.open('SUB', { connect: pub.lastEndpoint! }));
      for (const topic of ['a', 'stop']) await sub.set('SUBSCRIBE', topic);
      await sleep(200);
      for (const topic of ['b', 'ab', 'a']) await pub.send([topic, 'x']);
      await sub.receive(['ab', 'x']);
      await sub.receive(['a', 'x']);
      await sub.set('UNSUBSCRIBE', 'a');
      await sleep(200);
      for (const topic of ['a', 'stop']) await pub.send([topic]);
      await sub.receive(['stop']);
      return;
    }
    const pub = keep(await python.open('PUB', { bind: 'tcp://127.0.0.1:*' }));
    const sub = keep(new own.Sub());
    sub.connect(pub.address);
    sub.subscribe('a', 'stop');
    await sleep(200);
    for (const topic of ['b', 'ab', 'a']) await pub.send([topic, 'x']);
    expect((await sub.receive()).map(String)).toEqual(['ab', 'x']);
    expect((await sub.receive()).map(String)).toEqual(['a', 'x']);
    sub.unsubscribe('a');
    await sleep(200);
    for (const topic of ['a', 'stop']) await pub.send([topic]);
    expect((await sub.receive()).map(String)).toEqual(['stop']);
    expect(sub.stats().dropped.unwanted).toBe(0);
  });

  describe('heartbeats', () => {
    const THEIRS = { HEARTBEAT_IVL: 50, HEARTBEAT_TIMEOUT: 300, HEARTBEAT_TTL: 300 };

    test('of libzmq are answered: an idle connection stays for many of its time limits', async () => {
      const dealer = keep(new own.Dealer());
      let lost = 0;
      dealer.events.on('disconnect', () => lost++);
      const theirs = await link(dealer as AnySocket, 'DEALER', true, THEIRS);
      await once(dealer.events, 'handshake');
      await sleep(1500);
      await dealer.send('still here');
      await theirs.receive(['still here']);
      expect(lost).toBe(0);
    });

    test.each([
      ['the time to live that libzmq announced', {}, THEIRS],
      ['our own heartbeats', { heartbeatIntervalMs: 50, heartbeatTimeoutMs: 200 }, {}],
    ])('a libzmq that stands still is given up by %s, and found again', async (_by, ours, theirOptions) => {
      const dealer = keep(new own.Dealer({ ...ours, reconnectIntervalMs: 20 }));
      const stalled = new PyzmqPeer();
      try {
        const theirs = await stalled.open('DEALER', { bind: 'tcp://127.0.0.1:*' }, theirOptions);
        dealer.connect(theirs.address);
        await once(dealer.events, 'handshake');
        // libzmq tells its time to live with its first PING.
        await sleep(200);
        const lost = once(dealer.events, 'disconnect');
        stalled.child.kill('SIGSTOP');
        const [{ error }] = await lost;
        expect(error).toMatchObject({ code: 'ERR_PEER_SILENT' });
        const found = once(dealer.events, 'handshake');
        stalled.child.kill('SIGCONT');
        await found;
        await dealer.send('again');
        await theirs.receive(['again']);
      } finally {
        await stalled.stop();
      }
    });
  });
});
