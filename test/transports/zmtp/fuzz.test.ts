import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { ERRORS } from '../../../src/errors/errors.js';
import { encodeCommand, encodeHello, encodeMetadata, encodePing } from '../../../src/transports/zmtp/command.js';
import { frame } from '../../../src/transports/zmtp/frame-layout.js';
import { encodeGreetingRest, encodeSignature } from '../../../src/transports/zmtp/greeting.js';
import { Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, Xpub, Xsub } from '../../../src/transports/zmtp/zmtp.js';
import { testSize } from '../../support/test-size.js';

const CASES = testSize('MILLRACE_TEST_ZMTP_STREAMS', 1500, 80_000);
// Ends earlier, when it is set.
const SECONDS = Number(process.env.MILLRACE_TEST_ZMTP_SECONDS ?? Number.POSITIVE_INFINITY);
const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 37);

class Dice {
  constructor(private state: number) {}
  below(limit: number): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }
  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
  bytes(limit: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(limit) }, () => this.below(256)));
  }
}

const TYPES = ['PAIR', 'PUB', 'SUB', 'REQ', 'REP', 'DEALER', 'ROUTER', 'PULL', 'PUSH', 'XPUB', 'XSUB', 'WAT', ''];

/** A stream that mostly follows the grammar, then breaks it in places. */
function makeCase(dice: Dice, partner: string): Buffer {
  const type = dice.below(4) > 0 ? partner : dice.one(TYPES);
  const pieces: Buffer[] = [];
  if (dice.below(8) > 0) {
    pieces.push(encodeSignature(), encodeGreetingRest(dice.one(['NULL', 'NULL', 'NULL', 'NULL', 'PLAIN', 'CURVE']), false, dice.below(3)));
  } else pieces.push(Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 1, dice.below(12)]), frame(0, dice.bytes(20)));
  const properties: [string, Uint8Array][] = [['Socket-Type', Buffer.from(type)]];
  if (dice.below(3) === 0) properties.push(['Identity', dice.bytes(300)]);
  if (dice.below(10) > 0) pieces.push(encodeCommand('READY', encodeMetadata(properties)));
  for (let count = dice.below(12); count > 0; count--) {
    pieces.push(
      dice.one<() => Buffer>([
        () => frame(dice.below(2), dice.bytes(400)),
        () => frame(0, Buffer.concat([Buffer.from([dice.below(2)]), dice.bytes(12)])),
        () => frame(1, Buffer.alloc(0)),
        () => Buffer.concat([frame(1, Buffer.alloc(0)), frame(dice.below(2), dice.bytes(300))]),
        () => Buffer.concat([frame(1, dice.bytes(20)), frame(1, Buffer.alloc(0)), frame(0, dice.bytes(3000))]),
        () => encodeCommand(dice.one(['SUBSCRIBE', 'CANCEL', 'PONG', 'READY', 'ERROR', 'WELCOME', 'X']), dice.bytes(30)),
        () => encodePing(dice.below(3) * 100_000, dice.bytes(18)),
        () => encodeHello('u', 'p'),
        () => Buffer.concat([Buffer.from([dice.below(256)]), dice.bytes(20)]),
        () => Buffer.concat([Buffer.from([2 | dice.below(8), dice.below(256) & dice.below(256)]), dice.bytes(20)]),
      ])(),
    );
  }
  const bytes = Buffer.concat(pieces);
  for (let count = dice.one([0, 0, 1, 1, 3]); count > 0; count--) bytes[dice.below(bytes.length)] = dice.below(256);
  return dice.below(5) === 0 ? bytes.subarray(0, dice.below(bytes.length)) : bytes;
}

/** Memory of the caller that is refused or put off now and then, and an account of what is lent. */
class Lender {
  readonly lent = new Set<Buffer>();
  #asked = 0;
  readonly onFrame = {
    thresholdBytes: 16,
    take: (lengthBytes: number) => {
      this.#asked += 1;
      if (this.#asked % 17 === 0) return null;
      if (lengthBytes > 1e6 || this.#asked % 13 === 0) return undefined;
      const memory = Buffer.alloc(lengthBytes);
      this.lent.add(memory);
      return memory;
    },
    abandoned: (memory: Buffer) => {
      if (!this.lent.delete(memory)) this.faults.push(`${memory.length} bytes came back that were not lent`);
    },
  };
  readonly faults: string[] = [];

  received(parts: readonly Buffer[]): void {
    for (const part of parts) this.lent.delete(part);
  }
}

interface Victim {
  readonly socket: Pull | Push | Pub | Sub | Xpub | Xsub | Req | Rep | Dealer | Router | Pair;
  readonly partner: string;
  /** What its owner does between two attacks. */
  readonly use: () => void;
}

function makeVictims(lender: Lender): Victim[] {
  const options = { maxMessageBytes: 2e6, handshakeTimeoutMs: 5000, lingerMs: 0, onFrame: lender.onFrame, sendTimeoutMs: 0 };
  const quiet = (promise: Promise<unknown>) => void promise.catch(() => {});
  const victims: Victim[] = [];
  const add = <S extends Victim['socket']>(socket: S, partner: string, use: (socket: S) => void) => {
    victims.push({ socket, partner, use: () => use(socket) });
  };
  const drain = (socket: { tryReceive(): Buffer[] | undefined }) => {
    for (let parts = socket.tryReceive(); parts !== undefined; parts = socket.tryReceive()) lender.received(parts);
  };
  add(new Pull(options), 'PUSH', drain);
  add(new Push(options), 'PULL', (socket) => quiet(socket.send('x')));
  add(new Pub(options), 'SUB', (socket) => quiet(socket.send(['a topic', 'x'])));
  const sub = new Sub(options);
  sub.subscribe('', 'x');
  add(sub, 'PUB', drain);
  add(new Xpub(options), 'XSUB', (socket) => {
    drain(socket);
    quiet(socket.send(['a topic', 'x']));
  });
  add(new Xsub(options), 'XPUB', (socket) => {
    drain(socket);
    quiet(socket.send(Buffer.from('\x01a', 'latin1')));
  });
  add(new Req(options), 'REP', (socket) => {
    drain(socket);
    quiet(socket.send(['question', 'x']));
  });
  add(new Rep(options), 'REQ', (socket) => {
    for (let parts = socket.tryReceive(); parts !== undefined; parts = socket.tryReceive()) {
      lender.received(parts);
      quiet(socket.send('answer'));
    }
  });
  add(new Dealer(options), 'ROUTER', (socket) => {
    drain(socket);
    quiet(socket.send('x'));
  });
  add(new Router(options), 'DEALER', (socket) => {
    for (let parts = socket.tryReceive(); parts !== undefined; parts = socket.tryReceive()) {
      lender.received(parts);
      quiet(socket.send([parts[0]!, 'back']));
    }
  });
  add(new Pair(options), 'PAIR', drain);
  return victims;
}

const AMOUNT = Number.isFinite(SECONDS) ? `${SECONDS} s of` : CASES;

test(`${AMOUNT} streams that bend the grammar cost bounded memory, each ends with a code or as it should, and what was lent comes back`, {
  timeout: Number.isFinite(SECONDS) ? SECONDS * 1000 + 120_000 : 600_000,
}, async () => {
  console.log(`seed ${SEED}`);
  const lender = new Lender();
  const victims = makeVictims(lender);
  const codes = new Map<string, number>();
  const count = (code: string) => codes.set(code, (codes.get(code) ?? 0) + 1);
  for (const { socket } of victims) {
    await socket.bind('ipc://*');
    for (const name of ['handshake:error', 'disconnect'] as const) socket.events.on(name, ({ error }) => count(error?.code ?? name));
    socket.events.on('handshake', () => count(socket.type));
  }
  const waiting = setInterval(() => {
    for (const { socket } of victims) socket.resumeFrames();
  }, 1);
  const dice = new Dice(SEED);
  const before = process.memoryUsage().rss;
  let mostBytes = 0;
  const until = performance.now() + SECONDS * 1000;
  let done = 0;
  const attack = async () => {
    while (done < CASES && performance.now() < until) {
      done += 1;
      const { socket, partner, use } = dice.one(victims);
      const stream = net.connect(socket.lastEndpoint!.slice('ipc://'.length));
      stream.on('error', () => {});
      stream.resume();
      stream.end(makeCase(dice, partner));
      await once(stream, 'close');
      use();
      if (done % 1000 === 0) mostBytes = Math.max(mostBytes, process.memoryUsage().rss - before);
    }
  };
  await Promise.all(Array.from({ length: 16 }, attack));
  console.log(`${done} streams, ${(mostBytes / 2 ** 20).toFixed(0)} MiB at most:`, Object.fromEntries(codes));
  const expected = (code: string) => code === 'disconnect' || code === 'handshake:error' || /^[A-Z]+$/.test(code) || code in ERRORS;
  expect([...codes.keys()].filter((code) => !expected(code))).toEqual([]);
  for (const code of ['ERR_PEER_PROTOCOL', 'ERR_PEER_LIMIT', 'ERR_PEER_REFUSED']) expect(codes.get(code) ?? 0).toBeGreaterThan(0);
  // The grammar is followed far enough for messages to flow, at every type.
  for (const { socket } of victims) expect(codes.get(socket.type) ?? 0, socket.type).toBeGreaterThan(0);
  expect(codes.has('ERR_STATE') || codes.has('ERR_USAGE')).toBe(false);
  expect(mostBytes).toBeLessThan(256 * 1024 * 1024);
  // Who behaves is still served.
  const [pull] = victims as unknown as [{ socket: Pull }];
  const push = new Push();
  push.connect(pull.socket.lastEndpoint!);
  await push.send('still served');
  const parts = await pull.socket.receive();
  lender.received(parts);
  expect(String(parts)).toBe('still served');
  await push.close();
  clearInterval(waiting);
  for (const { socket } of victims) await socket.close();
  for (const { socket } of victims) expect(socket.stats().peers).toBe(0);
  expect(lender.faults).toEqual([]);
  expect(lender.lent.size).toBe(0);
});
