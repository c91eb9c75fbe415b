import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pull, Push } from '../../../src/transports/zmtp/zmtp.js';
import { keep } from '../../support/closed-after-each.js';
import { opening, openStream } from './raw-peer.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zmtp-ends-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the file that a killed process left behind is bound again; that of a living one is not', async () => {
  const path = join(folder, 'stale.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const pull = keep(new Pull());
  await expect(pull.bind(`ipc://${path}`)).rejects.toMatchObject({ code: 'ERR_ADDRESS' });
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect((await stat(path)).isSocket()).toBe(true);
  await pull.bind(`ipc://${path}`);
  const push = keep(new Push());
  push.connect(`ipc://${path}`);
  await push.send('there');
  expect(String(await pull.receive())).toBe('there');
});

test('a file that is no socket is never taken away', async () => {
  const path = join(folder, 'data.txt');
  await writeFile(path, 'precious');
  await expect(keep(new Pull()).bind(`ipc://${path}`)).rejects.toMatchObject({ code: 'ERR_ADDRESS' });
  expect(await readFile(path, 'utf8')).toBe('precious');
});

test.each([false, true])('unbind frees the address at once and keeps who is connected, copying: %s', async (copyAccepted) => {
  const pull = keep(new Pull({ copyAccepted }));
  await pull.bind('tcp://127.0.0.1:*');
  const address = pull.lastEndpoint!;
  const push = keep(new Push());
  push.connect(address);
  await once(pull.events, 'handshake');
  const unbound = once(pull.events, 'unbind');
  await pull.unbind(address);
  expect((await unbound)[0].address).toBe(address);
  await push.send('still');
  expect(String(await pull.receive())).toBe('still');
  await expect(pull.unbind(address)).rejects.toMatchObject({ code: 'ERR_ADDRESS' });
  const next = keep(new Pull());
  await next.bind(address);
  const other = keep(new Push());
  other.connect(address);
  await other.send('to the next');
  expect(String(await next.receive())).toBe('to the next');
});

test('with `immediate` nothing is queued for a peer that is not there, without it the first message is', async () => {
  const nobody = `ipc://${join(folder, 'nobody.sock')}`;
  const patient = keep(new Push({ sendTimeoutMs: 50, lingerMs: 0 }));
  patient.connect(nobody);
  await patient.send('queued');
  expect(patient.stats().queuedMessages).toBe(1);
  const push = keep(new Push({ immediate: true, sendTimeoutMs: 50, lingerMs: 0 }));
  push.connect(nobody);
  await expect(push.send('refused')).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
  expect(push.stats().queuedMessages).toBe(0);
  const pull = keep(new Pull());
  await pull.bind('tcp://127.0.0.1:*');
  push.connect(pull.lastEndpoint!);
  await once(push.events, 'handshake');
  for (const text of ['a', 'b', 'c']) {
    await push.send(text);
    expect(String(await pull.receive())).toBe(text);
  }
  await pull.close();
  while (push.stats().peers > 0) await sleep(5);
  await expect(push.send('too late')).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
});

test('more than `maxPeers` streams are closed at once and counted, and one that leaves makes room', async () => {
  const pull = keep(new Pull({ maxPeers: 2 }));
  await pull.bind('tcp://127.0.0.1:*');
  const streams = [openStream(pull.lastEndpoint!), openStream(pull.lastEndpoint!)];
  for (const stream of streams) {
    stream.write(opening('PUSH'));
    await once(pull.events, 'handshake');
  }
  const third = openStream(pull.lastEndpoint!);
  third.resume();
  await once(third, 'close');
  expect(pull.stats()).toMatchObject({ peers: 2, peersRefused: 1 });
  const gone = once(pull.events, 'disconnect');
  streams[0]!.destroy();
  await gone;
  const fourth = openStream(pull.lastEndpoint!);
  fourth.write(opening('PUSH'));
  await once(pull.events, 'handshake');
  expect(pull.stats()).toMatchObject({ peers: 2, peersRefused: 1 });
  for (const stream of [...streams, fourth]) stream.destroy();
});

test('a peer that fills its queue and goes counts as one until its messages are received', async () => {
  const pull = keep(new Pull({ maxPeers: 1 }));
  await pull.bind('tcp://127.0.0.1:*');
  const hitAndRun = async () => {
    const stream = openStream(pull.lastEndpoint!);
    const gone = once(pull.events, 'disconnect');
    stream.resume();
    stream.end(Buffer.concat([opening('PUSH'), Buffer.from([0, 1, 65])]));
    await gone;
  };
  await hitAndRun();
  const refused = openStream(pull.lastEndpoint!);
  refused.resume();
  await once(refused, 'close');
  expect(pull.stats().peersRefused).toBe(1);
  expect(String(await pull.receive())).toBe('A');
  await hitAndRun();
  expect(String(await pull.receive())).toBe('A');
  expect(pull.stats().peersRefused).toBe(1);
});

test('a time that no timer keeps is refused, and none at all leaves a silent peer alone', async () => {
  expect(() => new Pull({ handshakeTimeoutMs: 2 ** 31 })).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  expect(() => new Pull({ reconnectIntervalMs: Number.POSITIVE_INFINITY })).toThrow(expect.objectContaining({ code: 'ERR_USAGE' }));
  const pull = keep(new Pull({ handshakeTimeoutMs: 0 }));
  await pull.bind('tcp://127.0.0.1:*');
  const stream = openStream(pull.lastEndpoint!);
  let closed = false;
  stream.on('close', () => {
    closed = true;
  });
  stream.resume();
  await sleep(100);
  expect(closed).toBe(false);
  stream.destroy();
});
