import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { curveKeyPair } from 'zeromq';
import { openZmqReader, openZmqWriter } from '../../src/transports/zmq.js';
import type { ZmqReader, ZmqReaderOptions, ZmqWriter, ZmqWriterOptions } from '../../src/transports/zmq-driver.js';
import type { ZmqDriver } from '../../src/transports/zmq-options.js';
import { freePort } from '../support/servers/server-process.js';
import { sized } from '../support/test-size.js';

/** What source and sink rely on, whichever driver stands at either end. */
const PAIRS = (['zmtp', 'libzmq'] as const).flatMap((reading) =>
  (['zmtp', 'libzmq'] as const).map((writing) => [reading, writing] as const),
);
const SIZES = [0, 1, 255, 256, 8191, 16_383, 16_384, 70_000, 1_000_003];

const folder = mkdtempSync(join(tmpdir(), 'millrace-zmq-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const opened: { reader: ZmqReader[]; writer: ZmqWriter[] } = { reader: [], writer: [] };
afterEach(async () => {
  for (const writer of opened.writer.splice(0)) {
    writer.close(0);
    await writer.released();
  }
  for (const reader of opened.reader.splice(0)) await reader.close();
});

const tcp = async (): Promise<string> => `tcp://127.0.0.1:${await freePort()}`;
let sockets = 0;
const ipc = async (): Promise<string> => `ipc://${join(folder, `${++sockets}.sock`)}`;

async function reader(driver: ZmqDriver, options: Partial<ZmqReaderOptions>): Promise<ZmqReader> {
  const made = await openZmqReader({ driver, socket: 'pull', highWaterMark: 100, ...options });
  opened.reader.push(made);
  made.waitAtMost(10_000);
  return made;
}

async function writer(driver: ZmqDriver, options: Partial<ZmqWriterOptions>): Promise<ZmqWriter> {
  const made = await openZmqWriter({ driver, socket: 'push', highWaterMark: 100, lingerMs: 5000, immediate: false, ...options });
  opened.writer.push(made);
  return made;
}

const next = async (from: ZmqReader): Promise<readonly Uint8Array[] | undefined> => from.take() ?? (await from.receive());
/** Bytes that no other message has. */
const body = (number: number, lengthBytes: number): Buffer => {
  const bytes = Buffer.alloc(lengthBytes);
  for (let at = 0; at < lengthBytes; at++) bytes[at] = Math.imul(number * 65_537 + at, 2_654_435_761) >>> 24;
  return bytes;
};

describe.each(sized(PAIRS.slice(0, 2), PAIRS))('%s reads what %s writes', (reading, writing) => {
  for (const [transport, address] of Object.entries({ tcp, ipc })) {
    for (const binds of ['reader', 'writer'] as const) {
      it(`every message comes once, whole and in order, over ${transport}, where the ${binds} binds`, async () => {
        const at = await address();
        const connectFirst = binds === 'writer';
        const from = connectFirst ? await reader(reading, { connect: at }) : undefined;
        const to = await writer(writing, connectFirst ? { bind: at } : { connect: at });
        const source = from ?? (await reader(reading, { bind: at }));
        const count = 300;
        const sending = (async () => {
          for (let number = 0; number < count; number++) {
            const parts = [
              `head ${number}`,
              body(number, SIZES[number % SIZES.length]!),
              ...(number % 5 === 0 ? [Buffer.alloc(0), body(-number, 40)] : []),
            ];
            if (!(await to.send(parts))) throw new Error(`message ${number} was not accepted`);
          }
        })();
        for (let number = 0; number < count; number++) {
          const parts = (await next(source))!;
          expect(Buffer.from(parts[0]!).toString()).toBe(`head ${number}`);
          expect(Buffer.compare(parts[1]!, body(number, SIZES[number % SIZES.length]!))).toBe(0);
          expect(parts.length).toBe(number % 5 === 0 ? 4 : 2);
          if (number % 5 === 0) expect([parts[2]!.length, Buffer.compare(parts[3]!, body(-number, 40))]).toEqual([0, 0]);
        }
        await sending;
        source.waitAtMost(50);
        expect(await next(source)).toBeUndefined();
      });
    }
  }

  it('parts may be overwritten as soon as the message was accepted', async () => {
    const at = await tcp();
    const to = await writer(writing, { bind: at });
    const from = await reader(reading, { connect: at });
    const memory = Buffer.from(new SharedArrayBuffer(200_000));
    const sending = (async () => {
      for (let number = 0; number < 60; number++) {
        const bytes = memory.subarray(0, 1000 + 3300 * number);
        body(number, bytes.length).copy(bytes);
        await to.send([String(number), bytes]);
        memory.fill(0xde);
      }
    })();
    for (let number = 0; number < 60; number++) expect(Buffer.compare((await next(from))![1]!, body(number, 1000 + 3300 * number))).toBe(0);
    await sending;
  });

  it('what is to be released is released once, and not before it was read', async () => {
    const at = await tcp();
    const to = await writer(writing, { bind: at });
    const from = await reader(reading, { connect: at });
    const slots = Array.from({ length: 4 }, () => Buffer.from(new SharedArrayBuffer(300_000)));
    const free = [...slots];
    const count = 120;
    let releases = 0;
    const sending = (async () => {
      for (let number = 0; number < count; number++) {
        while (free.length === 0) await delay(1);
        const slot = free.pop()!;
        body(number, slot.length).copy(slot);
        await to.send([String(number), slot], () => {
          releases++;
          slot.fill(0xde);
          free.push(slot);
        });
      }
    })();
    for (let number = 0; number < count; number++) {
      const parts = (await next(from))!;
      expect(Buffer.from(parts[0]!).toString()).toBe(String(number));
      expect(Buffer.compare(parts[1]!, body(number, 300_000))).toBe(0);
    }
    await sending;
    while (releases < count) await delay(5);
    expect([releases, new Set(free).size]).toEqual([count, slots.length]);
  });

  it('a writer that nobody reads stops at the marks of both ends, and goes on when somebody does', async () => {
    const at = await tcp();
    const to = await writer(writing, { bind: at, highWaterMark: 10 });
    const from = await reader(reading, { connect: at, highWaterMark: 10 });
    const bytes = body(1, 100_000);
    let accepted = 0;
    const count = 400;
    const sending = (async () => {
      for (; accepted < count; accepted++) await to.send([String(accepted), bytes]);
    })();
    await delay(400);
    const before = accepted;
    await delay(200);
    // Both marks, and what the system's buffers take.
    expect(accepted).toBe(before);
    expect(accepted).toBeGreaterThanOrEqual(10);
    expect(accepted).toBeLessThan(200);
    for (let number = 0; number < count; number++) expect(Buffer.from((await next(from))![0]!).toString()).toBe(String(number));
    await sending;
  });

  it('the messages that wait for a reader which is not there yet go out when it comes, after the close too', async () => {
    const at = await tcp();
    const to = await writer(writing, { connect: at });
    for (let number = 0; number < 50; number++) expect(await to.send([String(number), body(number, 20_000)])).toBe(true);
    to.close();
    const from = await reader(reading, { bind: at });
    for (let number = 0; number < 50; number++) expect(Buffer.compare((await next(from))![1]!, body(number, 20_000))).toBe(0);
    await to.released();
  });

  it('two readers share what one writer sends, and each message comes to one of them', async () => {
    const at = await tcp();
    const to = await writer(writing, { bind: at });
    const readers = [await reader(reading, { connect: at }), await reader(reading, { connect: at })];
    await delay(200);
    const seen: number[] = [];
    const counts = [0, 0];
    const taking = readers.map(async (from, which) => {
      from.waitAtMost(1000);
      for (let parts = await next(from); parts; parts = await next(from)) {
        seen.push(Number(Buffer.from(parts[0]!).toString()));
        counts[which]!++;
      }
    });
    for (let number = 0; number < 200; number++) await to.send([String(number), body(number, 3000)]);
    await Promise.all(taking);
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('a SUB gets what it asked for, whole and in order', async () => {
    const at = await tcp();
    const to = await writer(writing, { socket: 'pub', bind: at, highWaterMark: 1000 });
    const from = await reader(reading, { socket: 'sub', connect: at, subscribe: ['a', 'bb'], highWaterMark: 1000 });
    const every = await reader(reading, { socket: 'sub', connect: at, highWaterMark: 1000 });
    await delay(300);
    const topics = ['a', 'b', 'bb', 'c', 'abc'];
    for (let number = 0; number < 100; number++) await to.send([topics[number % 5]!, String(number), body(number, 200 * number)]);
    for (let number = 0; number < 100; number++) {
      const parts = (await next(every))!;
      expect(Buffer.compare(parts[2]!, body(number, 200 * number))).toBe(0);
      if (!['a', 'bb', 'abc'].includes(topics[number % 5]!)) continue;
      expect((await next(from))!.map((part) => Buffer.from(part).toString('latin1'))).toEqual(
        parts.map((part) => Buffer.from(part).toString('latin1')),
      );
    }
  });

  it('a PUB never waits: a subscriber that stands still loses messages, another one none', async () => {
    const at = await tcp();
    const to = await writer(writing, { socket: 'pub', bind: at, highWaterMark: 20 });
    const still = await reader(reading, { socket: 'sub', connect: at, highWaterMark: 5 });
    const from = await reader(reading, { socket: 'sub', connect: at, highWaterMark: 1000 });
    await delay(300);
    const bytes = body(1, 200_000);
    for (let number = 0; number < 150; number++) {
      await to.send([String(number), bytes]);
      expect(Buffer.from((await next(from))![0]!).toString()).toBe(String(number));
    }
    still.waitAtMost(300);
    let arrived = 0;
    let last = -1;
    for (let parts = await next(still); parts; parts = await next(still)) {
      const number = Number(Buffer.from(parts[0]!).toString());
      expect(number).toBeGreaterThan(last);
      expect(Buffer.compare(parts[1]!, bytes)).toBe(0);
      last = number;
      arrived++;
    }
    expect(arrived).toBeGreaterThan(0);
    expect(arrived).toBeLessThan(150);
  });

  it('the address is free again when the close has resolved', async () => {
    const at = await tcp();
    for (let round = 0; round < 3; round++) {
      const from = await reader(reading, { bind: at });
      const to = await writer(writing, { connect: at });
      await to.send(['x']);
      expect((await next(from))!.length).toBe(1);
      await from.close();
      to.close(0);
      await to.released();
    }
  });

  it('the address of a writer is free again when it has released everything', async () => {
    const at = await tcp();
    for (let round = 0; round < 3; round++) {
      const to = await writer(writing, { bind: at });
      const from = await reader(reading, { connect: at });
      await to.send(['x']);
      expect((await next(from))!.length).toBe(1);
      to.close(0);
      await to.released();
      await from.close();
    }
  });

  it('what waits ends when it is closed: a receive, a send', async () => {
    const from = await reader(reading, { bind: await tcp() });
    from.waitAtMost(-1);
    const receiving = from.receive();
    const to = await writer(writing, { connect: await tcp(), immediate: true });
    const sending = to.send(['x']);
    await delay(100);
    await from.close();
    to.close(0);
    expect(await receiving).toBeUndefined();
    expect(await sending).toBe(false);
    expect(await to.send(['y'])).toBe(false);
    expect(await from.receive()).toBeUndefined();
  });

  it('a name and password that are right let a peer in', async () => {
    if (reading === 'libzmq' && writing === 'libzmq') return; // libzmq alone checks none
    const at = await tcp();
    const server = { server: true, username: 'beam', password: 'line' };
    const client = { username: 'beam', password: 'line' };
    const serverReads = reading === 'zmtp';
    const from = await reader(reading, serverReads ? { bind: at, plain: server } : { connect: at, plain: client });
    const to = await writer(writing, serverReads ? { connect: at, plain: client } : { bind: at, plain: server });
    await to.send(['x', body(1, 50_000)]);
    expect(Buffer.compare((await next(from))![1]!, body(1, 50_000))).toBe(0);
  });

  it('a password that is wrong lets nobody in', async () => {
    if (reading === 'libzmq') return;
    const at = await tcp();
    const from = await reader(reading, { bind: at, plain: { server: true, username: 'beam', password: 'line' } });
    const to = await writer(writing, { connect: at, plain: { username: 'beam', password: 'Line' }, lingerMs: 0 });
    await to.send(['x']);
    from.waitAtMost(300);
    expect(await from.receive()).toBeUndefined();
  });
});

it('libzmq speaks CURVE', async () => {
  const at = await tcp();
  const [server, client] = [curveKeyPair(), curveKeyPair()];
  const from = await reader('libzmq', { bind: at, curve: { server: true, secretKey: server.secretKey } });
  const to = await writer('libzmq', { connect: at, curve: { ...client, serverKey: server.publicKey } });
  await to.send(['x', body(2, 5000)]);
  expect(Buffer.compare((await next(from))![1]!, body(2, 5000))).toBe(0);
});
