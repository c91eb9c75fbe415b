import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub } from '../../../src/transports/zmtp/zmtp.js';
import { keep } from '../../support/closed-after-each.js';

// libzmq cannot be told to speak an older version: the peers are written from the RFCs, in a process of their own.
interface News {
  readonly port?: number;
  readonly ready?: string;
  readonly identity?: string;
  readonly message?: readonly string[];
  readonly broken?: string;
  readonly closed?: boolean;
}

class OlderPeer {
  readonly #child: ChildProcess;
  readonly #news: News[] = [];
  #wake: (() => void) | undefined;

  constructor(version: string, type: string, way: 'connect' | 'bind', port: number | string = 0) {
    this.#child = fork(fileURLToPath(new URL('./older-peer.mjs', import.meta.url)), [version, type, way, String(port)]);
    this.#child.on('message', (news: News) => {
      this.#news.push(news);
      this.#wake?.();
    });
  }

  async next(): Promise<News> {
    while (this.#news.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#news.shift()!;
  }

  async receive(): Promise<Buffer[]> {
    const news = await this.next();
    if (news.message === undefined) throw new Error(`the peer tells ${JSON.stringify(news)}`);
    return news.message.map((hex) => Buffer.from(hex, 'hex'));
  }

  send(...parts: (string | Buffer)[]): void {
    this.#child.send({ send: parts.map((part) => Buffer.from(part as string).toString('hex')) });
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}

interface Bindable {
  readonly type: string;
  readonly lastEndpoint: string | null;
  bind(address: string): Promise<void>;
  connect(address: string): void;
}

const long = Buffer.alloc(70_000, 9);

describe.each(['2.0', '3.0'])('a peer of ZMTP %s', (version) => {
  async function meet(ours: Bindable, type: string, way: 'connect' | 'bind'): Promise<OlderPeer> {
    let peer: OlderPeer;
    if (way === 'connect') {
      await ours.bind('tcp://127.0.0.1:*');
      peer = keep(new OlderPeer(version, type, way, ours.lastEndpoint!.split(':').at(-1)));
    } else {
      peer = keep(new OlderPeer(version, type, way));
      ours.connect(`tcp://127.0.0.1:${(await peer.next()).port}`);
    }
    expect(await peer.next()).toMatchObject({ ready: ours.type });
    return peer;
  }

  test.each(['connect', 'bind'] as const)('that %ss sends to a PULL and takes from a PUSH', async (way) => {
    const pull = keep(new Pull());
    const sender = await meet(pull, 'PUSH', way);
    for (const parts of [['a'], ['a', '', long], [Buffer.alloc(255, 1)], [Buffer.alloc(256, 2)]]) {
      sender.send(...parts);
      expect((await pull.receive()).map((part) => part.toString('hex'))).toEqual(
        parts.map((part) => Buffer.from(part as string).toString('hex')),
      );
    }
    // Heartbeats are of ZMTP 3.1: this peer would break off at one.
    const push = keep(new Push({ heartbeatIntervalMs: 10 }));
    const taker = await meet(push, 'PULL', way);
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (const parts of [['a'], ['a', '', long], [Buffer.alloc(255, 1)], [Buffer.alloc(256, 2)]]) {
      await push.send(parts);
      expect(Buffer.concat(await taker.receive()).equals(Buffer.concat(parts.map((part) => Buffer.from(part as string))))).toBe(true);
    }
  });

  test.each(['connect', 'bind'] as const)('that %ss subscribes by messages, and is subscribed at by messages', async (way) => {
    const pub = keep(new Pub());
    const subscriber = await meet(pub, 'SUB', way);
    subscriber.send('\x01a');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await pub.send(['b', 'no']);
    await pub.send(['ab', long]);
    expect((await subscriber.receive()).map(String)).toEqual(['ab', String(long)]);
    subscriber.send('\x00a');
    subscriber.send('\x01c');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await pub.send('ab');
    await pub.send('c');
    expect((await subscriber.receive()).map(String)).toEqual(['c']);

    const sub = keep(new Sub());
    sub.subscribe('a');
    const publisher = await meet(sub, 'PUB', way);
    expect((await publisher.receive()).map(String)).toEqual(['\x01a']);
    publisher.send('b');
    publisher.send('ab', 'yes');
    expect((await sub.receive()).map(String)).toEqual(['ab', 'yes']);
    sub.unsubscribe('a');
    expect((await publisher.receive()).map(String)).toEqual(['\x00a']);
  });

  test.each(['connect', 'bind'] as const)('that %ss asks and answers with the envelope of RFC 28', async (way) => {
    const rep = keep(new Rep());
    const asker = await meet(rep, 'REQ', way);
    asker.send('', 'question');
    expect((await rep.receive()).map(String)).toEqual(['question']);
    await rep.send('answer');
    expect((await asker.receive()).map(String)).toEqual(['', 'answer']);

    const req = keep(new Req());
    const answerer = await meet(req, 'REP', way);
    await req.send('question');
    expect((await answerer.receive()).map(String)).toEqual(['', 'question']);
    answerer.send('', 'answer');
    expect((await req.receive()).map(String)).toEqual(['answer']);

    const router = keep(new Router());
    const dealer = await meet(router, 'DEALER', way);
    dealer.send('x', long);
    const [id, ...rest] = await router.receive();
    expect(rest.map(String)).toEqual(['x', String(long)]);
    await router.send([id!, 'back']);
    expect((await dealer.receive()).map(String)).toEqual(['back']);

    const named = keep(new Dealer({ routingId: 'me' }));
    await named.bind('tcp://127.0.0.1:*');
    const routing = keep(new OlderPeer(version, 'ROUTER', 'connect', named.lastEndpoint!.split(':').at(-1)));
    expect(await routing.next()).toEqual(version === '2.0' ? { ready: 'DEALER', identity: 'me' } : { ready: 'DEALER' });

    const pair = keep(new Pair());
    const partner = await meet(pair, 'PAIR', way);
    await pair.send('to');
    expect((await partner.receive()).map(String)).toEqual(['to']);
    partner.send('fro');
    expect((await pair.receive()).map(String)).toEqual(['fro']);
  });

  test('of a type that does not fit is cut off', async () => {
    const pull = keep(new Pull());
    await pull.bind('tcp://127.0.0.1:*');
    const wrong = keep(new OlderPeer(version, 'SUB', 'connect', pull.lastEndpoint!.split(':').at(-1)));
    let news = await wrong.next();
    if (news.ready !== undefined) news = await wrong.next();
    expect(news).toEqual({ closed: true });
  });
});
