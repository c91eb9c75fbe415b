import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Pull, Push } from '../../../src/transports/zmtp/zmtp.js';
import { testSize } from '../../support/test-size.js';

const ROUNDS = testSize('MILLRACE_TEST_ZMTP_DEATHS', 3, 10);
const TERMINATIONS = testSize('MILLRACE_TEST_ZMTP_TERMINATIONS', 5, 20);
const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test(`a peer that is killed and started again ${ROUNDS} times is found each time`, { timeout: 30_000 + ROUNDS * 3000 }, async () => {
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const push = new Push({ reconnectIntervalMs: 10, reconnectMaxIntervalMs: 50, lingerMs: 0 });
  const pull = new Pull();
  await pull.bind('tcp://127.0.0.1:*');
  push.connect(address);
  let child: ChildProcess | undefined;
  try {
    for (let round = 0; round < ROUNDS; round++) {
      child = spawn(process.execPath, [beside('echo-peer.mjs'), address, pull.lastEndpoint!], { stdio: 'inherit' });
      await once(push.events, 'handshake');
      let last = -1;
      let sent = 0;
      while (last < 500) {
        for (; sent < last + 300; sent++) await push.send([String(round), String(sent)]);
        const [life, number] = (await pull.receive()).map(Number);
        // What the last life had sent back may still lie here.
        if (life !== round) continue;
        expect(number).toBe(last + 1);
        last = number!;
      }
      const lost = once(push.events, 'disconnect');
      child.kill('SIGKILL');
      await lost;
    }
    expect(push.stats().reconnects).toBeGreaterThanOrEqual(ROUNDS - 1);
  } finally {
    child?.kill('SIGKILL');
    await push.close();
    await pull.close();
  }
  expect(push.stats()).toMatchObject({ peers: 0, queuedMessages: 0, queuedBytes: 0 });
});

test(`a thread with open sockets under load is terminated ${TERMINATIONS} times without harm`, {
  timeout: 240_000 + TERMINATIONS * 2000,
}, async () => {
  const pull = new Pull();
  await pull.bind('tcp://127.0.0.1:*');
  let gone = 0;
  pull.events.on('disconnect', () => {
    gone += 1;
  });
  for (let round = 0; round < TERMINATIONS; round++) {
    const handshake = once(pull.events, 'handshake');
    const worker = new Worker(beside('open-sockets.mjs'), { workerData: { address: pull.lastEndpoint } });
    // What the last thread sent may still lie here: without its handshake this thread would end without a disconnect.
    await handshake;
    for (let count = 0; count < 5 + round; count++) expect((await pull.receive())[1]).toHaveLength(1024 * 1024);
    await worker.terminate();
    while (gone <= round) {
      pull.tryReceive();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  await pull.close();
  expect(pull.stats().peers).toBe(0);
});
