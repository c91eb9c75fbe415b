import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { Publisher, Pull, Push, Subscriber } from 'zeromq';
import { array10 } from '../../src/codecs/array-1.0.js';
import { zmqEgress } from '../../src/egress/zmq-egress.js';
import { SILENT } from '../../src/errors/logger.js';
import type { FrameHeader } from '../../src/frame/frame.js';
import type { FrameWriter, Ingress } from '../../src/ingress/ingress.js';
import { type ZmqIngressOptions, zmqIngress } from '../../src/ingress/zmq-ingress.js';
import type { ZmqDriver } from '../../src/transports/zmq-options.js';
import { drive, egressContext, payloadOf, sharedFrame } from '../support/poisoned-frames.js';
import { PYTHON, requireServer } from '../support/servers/require-server.js';
import { freePort } from '../support/servers/server-process.js';
import { itFull } from '../support/test-size.js';

const FRAMES = 2000;
const DRIVERS: readonly ZmqDriver[] = ['zmtp', 'libzmq'];
const pyzmq = requireServer('pyzmq');
const endpoint = async (): Promise<string> => `tcp://127.0.0.1:${await freePort()}`;

/** A writer that copies, as the real one does, and takes as long as it is told to. */
class RecordingWriter implements FrameWriter {
  startSeries = async (): Promise<boolean> => true;
  endSeries = async (): Promise<boolean> => true;
  readonly maxBytes = 1_000_000;
  readonly frames: { header: FrameHeader; data: Buffer }[] = [];
  readonly refused: string[] = [];
  pauseMs = 0;
  claim(): undefined {
    return undefined;
  }
  async ready(): Promise<void> {}
  write(header: FrameHeader, data: Uint8Array): Promise<boolean> | boolean {
    if (data.byteLength > this.maxBytes) this.refuse('too-large');
    else this.frames.push({ header, data: Buffer.from(data) });
    return this.pauseMs > 0 ? delay(this.pauseMs, true) : true;
  }
  refuse(reason: string): void {
    this.refused.push(reason);
  }
}

const message = (ordinal: number): [string, Buffer] => {
  const payload = payloadOf(ordinal);
  const header = { htype: 'array-1.0', shape: [payload.byteLength], type: 'uint8', frame: ordinal };
  return [JSON.stringify(header), Buffer.from(payload)];
};

const openSource = async (options: ZmqIngressOptions): Promise<Ingress> => {
  const ingress = zmqIngress.create(options, { name: 'detector', codec: array10, baseDir: '/', maxFrameBytes: 2 ** 24, log: SILENT });
  await ingress.open();
  return ingress;
};

const expectFrames = (out: RecordingWriter, count: number): void => {
  expect(out.frames.length).toBe(count);
  for (const [ordinal, { header, data }] of out.frames.entries()) {
    expect(header.sequence).toBe(ordinal);
    expect(data.equals(payloadOf(ordinal))).toBe(true);
  }
};

const never = new AbortController().signal;

it('an oversized message that arrives before the source runs is counted, and is one of the frames to wait for', async () => {
  const bind = await endpoint();
  const ingress = await openSource({ driver: 'zmtp', bind, frames: 2 });
  const push = new Push({ linger: 5000 });
  push.connect(bind);
  // Over maxFrame of 16 MiB with all that may be beside the data.
  await push.send([message(0)[0], Buffer.alloc(2 ** 26)]);
  await delay(1000);
  const out = new RecordingWriter();
  const run = ingress.run(out, never);
  await push.send(message(0));
  await run;
  await ingress.close();
  push.close();
  expect(out.refused).toEqual(['too-large']);
  expectFrames(out, 1);
});

describe.each(DRIVERS)('zmq source by %s', (driver) => {
  const open = (options: ZmqIngressOptions): Promise<Ingress> => openSource({ driver, ...options });

  it('gives every message of a PUSH in order and intact', async () => {
    const bind = await endpoint();
    const ingress = await open({ bind, frames: FRAMES });
    const out = new RecordingWriter();
    const run = ingress.run(out, never);
    const push = new Push({ linger: 5000 });
    push.connect(bind);
    for (let ordinal = 0; ordinal < FRAMES; ordinal++) await push.send(message(ordinal));
    await run;
    await ingress.close();
    push.close();
    expectFrames(out, FRAMES);
    expect(out.refused).toEqual([]);
  });

  it('counts malformed, wrongly split and oversized messages by reason, and goes on', async () => {
    const bind = await endpoint();
    const ingress = await open({ bind, frames: 7 });
    const out = new RecordingWriter();
    const run = ingress.run(out, never);
    const push = new Push();
    push.connect(bind);
    const [header] = message(0);
    await push.send(message(0));
    await push.send('one part');
    await push.send(['{ not JSON', Buffer.alloc(4)]);
    await push.send([header, Buffer.alloc(3)]);
    await push.send([header, Buffer.alloc(16), 'third']);
    await push.send([JSON.stringify({ htype: 'array-1.0', shape: [1_000_001], type: 'uint8' }), Buffer.alloc(1_000_001)]);
    await push.send(message(1));
    await run;
    await ingress.close();
    push.close();
    expectFrames(out, 2);
    expect(out.refused).toEqual(['wrong-parts', 'malformed', 'malformed', 'wrong-parts', 'too-large']);
  });

  it('a SUB gets the prefixes that it asked for and nothing else', async () => {
    const connect = await endpoint();
    const publisher = new Publisher();
    await publisher.bind(connect);
    const ingress = await open({ socket: 'sub', connect, subscribe: ['{"htype":"array-1.0"'], idleMs: 700 });
    const out = new RecordingWriter();
    const run = ingress.run(out, never);
    await delay(300);
    for (let ordinal = 0; ordinal < 50; ordinal++) {
      await publisher.send(['status', Buffer.alloc(10)]);
      await publisher.send(message(ordinal));
    }
    await run;
    await ingress.close();
    publisher.close();
    expectFrames(out, 50);
    expect(out.refused).toEqual([]);
  });

  itFull('reads from several endpoints', async () => {
    const connect = [await endpoint(), await endpoint()];
    const pushes = await Promise.all(
      connect.map(async (at) => {
        const push = new Push();
        await push.bind(at);
        return push;
      }),
    );
    const ingress = await open({ connect, frames: 40 });
    const out = new RecordingWriter();
    const run = ingress.run(out, never);
    for (let ordinal = 0; ordinal < 40; ordinal++) await pushes[ordinal % 2]!.send(message(ordinal));
    await run;
    await ingress.close();
    for (const push of pushes) push.close();
    expect(out.frames.map(({ header }) => header.sequence).sort((a, b) => a! - b!)).toEqual(Array.from({ length: 40 }, (_, n) => n));
  });

  it('ends at once at the signal when it waits for a message', async () => {
    const ingress = await open({ bind: await endpoint() });
    const controller = new AbortController();
    const run = ingress.run(new RecordingWriter(), controller.signal);
    await delay(100);
    const abortedAt = performance.now();
    controller.abort();
    await run;
    expect(performance.now() - abortedAt).toBeLessThan(100);
    await ingress.close();
  });

  it('reads out at the signal what had already arrived', async () => {
    const bind = await endpoint();
    const ingress = await open({ bind });
    const controller = new AbortController();
    const out = new RecordingWriter();
    out.pauseMs = 10;
    const push = new Push();
    push.connect(bind);
    for (let ordinal = 0; ordinal < 20; ordinal++) await push.send(message(100 + ordinal));
    const run = ingress.run(out, controller.signal);
    while (out.frames.length === 0) await delay(5);
    out.pauseMs = 0;
    controller.abort();
    await run;
    await ingress.close();
    push.close();
    expect(out.frames.length).toBe(20);
  });

  it('an endpoint that is taken is an error that names it', async () => {
    const bind = await endpoint();
    const first = await open({ bind });
    await expect(open({ bind })).rejects.toMatchObject({ code: 'ERR_SOURCE', message: expect.stringContaining(bind) });
    await first.close();
  });
});

describe.each(DRIVERS)('zmq sink by %s', (driver) => {
  it('every frame reaches a PULL in order and intact, although its memory is overwritten at once', async () => {
    const bind = await endpoint();
    const context = egressContext(array10);
    const egress = zmqEgress.create({ driver, bind, highWaterMark: 10 }, context);
    await egress.open();
    const pull = new Pull({ receiveHighWaterMark: 10 });
    pull.connect(bind);
    const driven = drive(egress, { frames: FRAMES, batch: 16 });
    for (let ordinal = 0; ordinal < FRAMES; ordinal++) {
      const [header, data, ...more] = await pull.receive();
      expect(more.length).toBe(0);
      expect(JSON.parse(header!.toString())).toMatchObject({ htype: 'array-1.0', frame: ordinal + 1000 });
      expect(data!.equals(payloadOf(ordinal))).toBe(true);
    }
    expect(await driven).toEqual({ redelivered: 0, refused: [] });
    await egress.close();
    pull.close();
  });

  it('nothing that a PUB delivers is corrupt, and the topic stands before it', async () => {
    const bind = await endpoint();
    const egress = zmqEgress.create({ driver, bind, socket: 'pub', topic: 'profiles' }, egressContext(array10));
    await egress.open();
    const subscriber = new Subscriber({ receiveTimeout: 1000 });
    subscriber.connect(bind);
    subscriber.subscribe('profiles');
    await delay(300);
    const driven = drive(egress, { frames: 500, batch: 16 });
    let last = -1;
    let arrived = 0;
    try {
      for (; last < 499; arrived++) {
        const [topic, header, data] = await subscriber.receive();
        expect(String(topic)).toBe('profiles');
        const ordinal = JSON.parse(header!.toString()).frame - 1000;
        expect(ordinal).toBeGreaterThan(last);
        expect(data!.equals(payloadOf(ordinal))).toBe(true);
        last = ordinal;
      }
    } catch (thrown) {
      // What a full PUB drops never comes: the time is up.
      expect((thrown as { code?: string }).code).toBe('EAGAIN');
    }
    await driven;
    await egress.close();
    subscriber.close();
    expect(arrived).toBeGreaterThan(100);
  });

  itFull('what was accepted is still sent after the close, and the close waits until the socket has let go of it', async () => {
    const connect = await endpoint();
    const egress = zmqEgress.create({ driver, connect, highWaterMark: 1000 }, egressContext(array10));
    await egress.open();
    await drive(egress, { frames: 100, batch: 16 });
    const closed = egress.close();
    const pull = new Pull();
    await pull.bind(connect);
    for (let ordinal = 0; ordinal < 100; ordinal++) expect((await pull.receive())[1]!.equals(payloadOf(ordinal))).toBe(true);
    await closed;
    pull.close();
  });

  it('a write that waits for a peer rejects soon after the signal', async () => {
    const context = egressContext(array10);
    const egress = zmqEgress.create({ driver, connect: await endpoint(), immediate: true, lingerMs: 0 }, context);
    await egress.open();
    const settled = expect(egress.write([sharedFrame(new SharedArrayBuffer(4096), 0, 0, payloadOf(0))])).rejects.toMatchObject({
      code: 'ERR_SINK',
    });
    await delay(100);
    const abortedAt = performance.now();
    context.abort();
    await settled;
    expect(performance.now() - abortedAt).toBeLessThan(200);
    await egress.close();
  });
});

describe.skipIf(pyzmq.missing).each(DRIVERS)(pyzmq.suite('zmq source and sink by %s against pyzmq'), (driver) => {
  const open = (options: ZmqIngressOptions): Promise<Ingress> => openSource({ driver, ...options });
  const running: ChildProcess[] = [];
  const example = (name: string, ...args: string[]): ChildProcess => {
    const path = fileURLToPath(new URL(`../../examples/python/${name}`, import.meta.url));
    const child = spawn(PYTHON, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    return child;
  };
  afterEach(() => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
  });

  it('send.py sends frames that the source takes', async () => {
    const connect = await endpoint();
    const ingress = await open({ connect, frames: 20 });
    const out = new RecordingWriter();
    const sender = example('send.py', connect, '20');
    const exited = once(sender, 'exit');
    await ingress.run(out, never);
    await ingress.close();
    expect((await exited)[0]).toBe(0);
    expect(out.refused).toEqual([]);
    expect(out.frames.map(({ header }) => header.sequence)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    for (const { header, data } of out.frames) {
      expect(header.dtype).toBe('uint16');
      expect(header.shape).toEqual([512, 512]);
      expect(data.byteLength).toBe(512 * 512 * 2);
    }
  });

  it('a pyzmq PULL gets every frame of the sink in order and intact, although its memory is overwritten at once', async () => {
    const connect = await endpoint();
    const program = [
      'import sys, json, hashlib, zmq',
      'pull = zmq.Context.instance().socket(zmq.PULL)',
      'pull.bind(sys.argv[1])',
      'for _ in range(int(sys.argv[2])):',
      '    header, data = pull.recv_multipart()',
      '    print(json.loads(header)["frame"], hashlib.sha256(data).hexdigest())',
    ];
    const reader = spawn(PYTHON, ['-c', program.join('\n'), connect, String(FRAMES)], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(reader);
    let printed = '';
    reader.stdout!.on('data', (chunk) => {
      printed += chunk;
    });
    const closed = once(reader, 'close');
    const egress = zmqEgress.create({ driver, connect }, egressContext(array10));
    await egress.open();
    await drive(egress, { frames: FRAMES, batch: 16 });
    expect((await closed)[0]).toBe(0);
    await egress.close();
    const expected = Array.from(
      { length: FRAMES },
      (_, ordinal) => `${ordinal + 1000} ${createHash('sha256').update(payloadOf(ordinal)).digest('hex')}`,
    );
    expect(printed.trim().split('\n')).toEqual(expected);
  });

  it('receive.py reads what the sink sends', async () => {
    const connect = await endpoint();
    const receiver = example('receive.py', connect, '2');
    let printed = '';
    receiver.stdout!.on('data', (chunk) => {
      printed += chunk;
    });
    const closed = once(receiver, 'close');
    const egress = zmqEgress.create({ driver, connect }, egressContext(array10));
    await egress.open();
    const memory = new SharedArrayBuffer(4096);
    for (const ordinal of [0, 1]) {
      // A profile of three bins: axis, intensity, sigma.
      const values = new Float64Array(memory, 0, 9);
      values.set([0.5, 1, 1.5, 10, 40 + ordinal, 20, 1, 2, 3]);
      const bytes = new Uint8Array(memory, 0, 72);
      const frame = sharedFrame(memory, 0, ordinal, bytes);
      const columns = ['q_A^-1', 'intensity', 'sigma'];
      await egress.write([{ ...frame, dtype: 'float64', shape: [3, 3], data: values, meta: { columns } }]);
      values.fill(-1);
    }
    expect((await closed)[0]).toBe(0);
    await egress.close();
    expect(printed.trim().split('\n')).toEqual(['1000: 3 bins, highest 40 at q_A^-1 = 1', '1001: 3 bins, highest 41 at q_A^-1 = 1']);
  });
});
