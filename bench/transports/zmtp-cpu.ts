// CPU time per message of one side, ZMTP in TypeScript against the zeromq addon, in turn in one run: node dist/bench/transports/zmtp-cpu.js
// [rounds] [rows]. The other side is a process of its own that replays framed bytes or takes them unread.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Pull as OtherPull, Push as OtherPush } from 'zeromq';
import { Pull, Push } from '../../src/transports/zmtp/zmtp.js';
import { median } from '../support/statistics.js';

const ROUNDS = Number(process.argv[2] ?? 7);
const flood = fileURLToPath(new URL('./zmtp-flood.js', import.meta.url));
const SLOTS = 8;

type Side = (lengthBytes: number, count: number, copyAccepted?: boolean) => Promise<number>;

function withPeer(role: string, address: string, lengthBytes: number): () => Promise<void> {
  const child = spawn(process.execPath, [flood, role, address.split(':').at(-1)!, String(lengthBytes)], { stdio: 'inherit' });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return async () => {
    child.kill('SIGKILL');
    await gone;
  };
}

/** Runs `step` `count` times after a tenth of it to warm up, and gives microseconds of CPU for each. */
async function cost(count: number, step: () => Promise<void>): Promise<number> {
  for (let index = 0; index < count / 10; index++) await step();
  const before = process.cpuUsage();
  for (let index = 0; index < count; index++) await step();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

function ring(lengthBytes: number): () => Buffer {
  const memory = Buffer.from(new SharedArrayBuffer(lengthBytes * SLOTS));
  const slots = Array.from({ length: SLOTS }, (_, slot) => memory.subarray(slot * lengthBytes, (slot + 1) * lengthBytes));
  let turn = 0;
  return () => slots[turn++ % SLOTS]!;
}

const receiveOurs: Side = async (lengthBytes, count, copyAccepted = false) => {
  const next = ring(lengthBytes);
  const large = lengthBytes >= 16 * 1024;
  const onFrame = { thresholdBytes: 16 * 1024, take: () => next(), abandoned: () => {} };
  const pull = new Pull({ onFrame, copyAccepted, receiveHighWaterMark: large ? 2 : 1000 });
  await pull.bind('tcp://127.0.0.1:*');
  const stop = withPeer('send', pull.lastEndpoint!, lengthBytes);
  const us = await cost(count, async () => {
    const [body] = pull.tryReceive() ?? (await pull.receive());
    if (body!.length !== lengthBytes || body![lengthBytes - 1] !== 7) throw new Error('the wrong bytes came');
    if (!large) next().set(body!);
  });
  await stop();
  await pull.close();
  return us;
};

const receiveTheirs: Side = async (lengthBytes, count) => {
  const next = ring(lengthBytes);
  const pull = new OtherPull();
  await pull.bind('tcp://127.0.0.1:*');
  const stop = withPeer('send', pull.lastEndpoint!, lengthBytes);
  const us = await cost(count, async () => {
    const [body] = await pull.receive();
    if (body!.length !== lengthBytes || body![lengthBytes - 1] !== 7) throw new Error('the wrong bytes came');
    next().set(body!);
  });
  await stop();
  pull.close();
  return us;
};

const sendOurs: Side = async (lengthBytes, count) => {
  const push = new Push({ lingerMs: 0 });
  await push.bind('tcp://127.0.0.1:*');
  const stop = withPeer('sink', push.lastEndpoint!, lengthBytes);
  const next = ring(lengthBytes);
  const us = await cost(count, () => push.send(next()));
  await stop();
  await push.close();
  return us;
};

const sendTheirs: Side = async (lengthBytes, count) => {
  const push = new OtherPush({ linger: 0 });
  await push.bind('tcp://127.0.0.1:*');
  const stop = withPeer('sink', push.lastEndpoint!, lengthBytes);
  const next = ring(lengthBytes);
  // It has no completion: a slot would be given again too early, so each message is a copy.
  const us = await cost(count, () => push.send(Buffer.from(next())));
  await stop();
  push.close();
  return us;
};

const ROWS: [string, Side, Side, number, number][] = [
  ['receive 64 B', receiveOurs, receiveTheirs, 64, 200_000],
  ['receive 1 KiB', receiveOurs, receiveTheirs, 1024, 100_000],
  ['receive 4 MiB', receiveOurs, receiveTheirs, 4 << 20, 150],
  ['receive 4 MiB, copying from Node', (bytes, count) => receiveOurs(bytes, count, true), receiveTheirs, 4 << 20, 150],
  ['send 64 B', sendOurs, sendTheirs, 64, 200_000],
  ['send 1 KiB', sendOurs, sendTheirs, 1024, 100_000],
  ['send 4 MiB', sendOurs, sendTheirs, 4 << 20, 150],
];

console.log(`Node ${process.version}, ${ROUNDS} rounds in turn; microseconds of CPU for each message, median [least .. most]`);
for (const [row, ours, theirs, lengthBytes, count] of ROWS.filter(([row]) => row.includes(process.argv[3] ?? ''))) {
  const own: number[] = [];
  const other: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const first = round % 2 === 0;
    if (first) own.push(await ours(lengthBytes, count));
    other.push(await theirs(lengthBytes, count));
    if (!first) own.push(await ours(lengthBytes, count));
  }
  const ratios = own.map((us, round) => other[round]! / us);
  const range = (values: number[]) =>
    `${median(values).toFixed(2)} [${Math.min(...values).toFixed(2)} .. ${Math.max(...values).toFixed(2)}]`;
  console.log(`${row.padEnd(34)} here ${range(own)}, zeromq ${range(other)}, ratio ${range(ratios)}`);
}
process.exit(0);
