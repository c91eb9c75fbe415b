import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from 'vitest';
import { ERRORS } from '../../../src/errors/errors.js';
import { encodeCommand, encodeHello, encodeMetadata, encodePing } from '../../../src/transports/zmtp/command.js';
import { frame } from '../../../src/transports/zmtp/frame-layout.js';
import { encodeGreetingRest, encodeSignature } from '../../../src/transports/zmtp/greeting.js';
import { Pub, Pull, Push, Rep, Router, Sub, Xpub } from '../../../src/transports/zmtp/zmtp.js';

const CASES = Number(process.env.MILLRACE_ZMTP_FUZZ ?? 20_000);
const LIMIT_MS = Number(process.env.MILLRACE_ZMTP_FUZZ_MS ?? 30_000);
const SEED = Number(process.env.MILLRACE_ZMTP_SEED ?? 37);

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

test(`${CASES} streams that bend the grammar cost bounded memory, and each ends with a code or as it should`, {
  timeout: LIMIT_MS + 60_000,
}, async () => {
  console.log(`seed ${SEED}`);
  const onFrame = {
    thresholdBytes: 64,
    take: (lengthBytes: number) => (lengthBytes < 1e6 ? Buffer.alloc(lengthBytes) : undefined),
    abandoned: () => {},
  };
  const options = { maxMessageBytes: 1e6, handshakeTimeoutMs: 5000 };
  const victims = [
    { socket: new Pull({ ...options, onFrame }), partner: 'PUSH' },
    { socket: new Pub(options), partner: 'SUB' },
    { socket: new Xpub(options), partner: 'XSUB' },
    { socket: new Router(options), partner: 'DEALER' },
    { socket: new Rep(options), partner: 'REQ' },
    { socket: new Sub(options), partner: 'PUB' },
  ];
  const codes = new Map<string, number>();
  for (const { socket } of victims) {
    await socket.bind(`ipc://*`);
    for (const name of ['handshake:error', 'disconnect'] as const) {
      socket.events.on(name, ({ error }) => codes.set(error?.code ?? name, (codes.get(error?.code ?? name) ?? 0) + 1));
    }
  }
  const dice = new Dice(SEED);
  const before = process.memoryUsage().rss;
  const until = performance.now() + LIMIT_MS;
  let done = 0;
  const attack = async () => {
    while (done < CASES && performance.now() < until) {
      done += 1;
      const { socket, partner } = dice.one(victims);
      const stream = net.connect(socket.lastEndpoint!.slice('ipc://'.length));
      stream.on('error', () => {});
      stream.resume();
      stream.end(makeCase(dice, partner));
      await once(stream, 'close');
      // The envelopes of REP make it refuse to be read in between; whoever reads here gives room only.
      if ('tryReceive' in socket && socket.type !== 'REP') while (socket.tryReceive() !== undefined);
    }
  };
  await Promise.all(Array.from({ length: 16 }, attack));
  console.log(`${done} streams:`, Object.fromEntries(codes));
  for (const code of codes.keys()) expect(code === 'disconnect' || code === 'handshake:error' || code in ERRORS).toBe(true);
  for (const code of ['ERR_PEER_PROTOCOL', 'ERR_PEER_LIMIT', 'ERR_PEER_REFUSED']) expect(codes.get(code) ?? 0).toBeGreaterThan(0);
  expect(codes.has('ERR_STATE') || codes.has('ERR_USAGE')).toBe(false);
  expect(process.memoryUsage().rss - before).toBeLessThan(256 * 1024 * 1024);
  // Who behaves is still served.
  const push = new Push();
  const [pull] = victims;
  push.connect(pull!.socket.lastEndpoint!);
  await push.send('still served');
  expect(String(await (pull!.socket as Pull).receive())).toBe('still served');
  await push.close();
  for (const { socket } of victims) await socket.close();
  for (const { socket } of victims) expect(socket.stats().peers).toBe(0);
});
