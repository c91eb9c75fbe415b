import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Pull, Push } from 'zeromq';
import { freePort } from '../../src/cli/demo/free-port.js';
import { Pipeline } from '../../src/run/pipeline.js';
import { specFromObject } from '../../src/spec/load.js';
import { type Bench, type BenchRow, burn, check, isSlow } from '../support/bench.js';
import { operatorPath } from '../support/run-pipeline.js';
import { median } from '../support/statistics.js';
import { ThreadRoles } from '../support/thread-roles.js';

const FLOOD = fileURLToPath(new URL('../transports/zmtp-flood.js', import.meta.url));
const LOOK_MS = 20;

/** Processes that send framed messages as fast as they are taken, and take what they are sent unread; what ends them, in this order. */
function flood(from: number, to: number, lengthBytes: number): (() => Promise<void>)[] {
  return [
    ['send', from, lengthBytes],
    ['sink', to, 'PULL'],
  ].map((args) => {
    const peer = spawn(process.execPath, [FLOOD, ...args.map(String)], { stdio: 'inherit' });
    const gone = new Promise<void>((resolve) => peer.once('exit', () => resolve()));
    return async () => {
      peer.kill('SIGKILL');
      await gone;
    };
  });
}

const cpuUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

interface Cost {
  readonly us: number;
  readonly byRole: ReadonlyMap<string, number>;
}

/** Before a figure is taken every slot was used once: its pages are made at their first use. */
const WARM_UP = 150;

/** Processor time of this process for each of so many messages. */
async function pipelineCost(lengthBytes: number, count: number, parcel: boolean, extraUs: number): Promise<Cost> {
  const [from, to] = [await freePort(), await freePort()];
  const roles = new ThreadRoles();
  await roles.prepare();
  const pipeline = new Pipeline(
    specFromObject({
      version: 1,
      name: 'null',
      sources: {
        in: { type: 'zmq', bind: `tcp://127.0.0.1:${from}`, codec: 'raw', maxFrame: lengthBytes, ...(parcel && { parcel: {} }) },
      },
      stages: { null: { from: 'in', operators: [{ type: operatorPath('pass') }] } },
      sinks: { out: { type: 'zmq', bind: `tcp://127.0.0.1:${to}`, codec: 'raw', from: 'null' } },
    }),
  );
  await pipeline.start();
  roles.assign(['worker', 'sink', 'source']);
  const [stopSending, stopTaking] = flood(from, to, lengthBytes);
  const reached = async (least: number): Promise<{ delivered: number; us: number; byRole: Map<string, number> }> => {
    for (;;) {
      const { delivered } = pipeline.progress();
      if (delivered >= least) return { delivered, us: cpuUs(), byRole: roles.cpuUs() };
      await sleep(LOOK_MS);
    }
  };
  try {
    const begun = await reached(Math.max(WARM_UP, count / 10));
    const ended = await reached(begun.delivered + count);
    if (extraUs > 0) burn((extraUs * count) / 1e3);
    const messages = ended.delivered - begun.delivered;
    const byRole = new Map([...ended.byRole].map(([role, us]) => [role, (us - begun.byRole.get(role)!) / messages]));
    return { us: (ended.us + (extraUs > 0 ? extraUs * count : 0) - begun.us) / messages, byRole };
  } finally {
    await stopSending!();
    const report = await pipeline.stop();
    await stopTaking!();
    const { ledger } = report.sources.in!;
    check(report.balanced && ledger.delivered === ledger.received, `${ledger.delivered} of ${ledger.received} delivered`);
  }
}

/** The same of a loop that receives by the zeromq addon and sends on what it received. */
async function bareCost(lengthBytes: number, count: number): Promise<number> {
  const [pull, push] = [new Pull(), new Push({ linger: 0 })];
  await pull.bind('tcp://127.0.0.1:*');
  await push.bind('tcp://127.0.0.1:*');
  const port = (endpoint: string | null): number => Number(endpoint!.split(':').at(-1));
  const peers = flood(port(pull.lastEndpoint), port(push.lastEndpoint), lengthBytes);
  const pass = async (messages: number): Promise<void> => {
    for (let i = 0; i < messages; i++) {
      const parts = await pull.receive();
      check(parts.length === 1 && parts[0]!.length === lengthBytes, `${parts.length} parts of ${parts[0]!.length} bytes`);
      await push.send(parts);
    }
  };
  await pass(Math.max(WARM_UP, count / 10));
  const before = cpuUs();
  await pass(count);
  const us = (cpuUs() - before) / count;
  for (const stop of peers) await stop();
  pull.close();
  push.close();
  return us;
}

const SIZES = [
  { row: 'zmq-null-zmq-1kib', lengthBytes: 1024, count: 200_000, parcel: false },
  { row: 'zmq-null-zmq-1kib-parcels', lengthBytes: 1024, count: 200_000, parcel: true },
  { row: 'zmq-null-zmq-8mib', lengthBytes: 8 * 2 ** 20, count: 200, parcel: false },
];

/** A whole pipeline, ZeroMQ in, an operator that does nothing, ZeroMQ out, against a bare receive-and-send loop of the zeromq addon. */
export const zmqNullZmq: Bench = {
  name: 'zmq-null-zmq',
  async run({ repeats, scale }) {
    const rows: BenchRow[] = [];
    for (const { row, lengthBytes, count, parcel } of SIZES) {
      const messages = Math.ceil(count * scale);
      const ours: number[] = [];
      const bare: number[] = [];
      const cpu = new Map<string, number[]>();
      for (let repetition = 0; repetition < repeats; repetition++) {
        const theirs = await bareCost(lengthBytes, messages);
        const { us, byRole } = await pipelineCost(lengthBytes, messages, parcel, isSlow(row) ? theirs : 0);
        bare.push(theirs);
        ours.push(us);
        for (const [role, part] of byRole) cpu.set(role, [...(cpu.get(role) ?? []), part]);
      }
      const shares = [...cpu].map(([role, us]) => `${role} ${median(us).toFixed(2)}`).join(', ');
      rows.push({
        row,
        measured: { name: 'pipeline', unit: 'us of CPU a message', values: ours },
        reference: { name: 'bare loop of the zeromq addon', unit: 'us of CPU a message', values: bare },
        ratios: ours.map((value, i) => bare[i]! / value),
        ratio: 'CPU a message',
        bar: 1,
        notes: shares ? [`CPU by thread, us a message: ${shares}`] : [],
      });
    }
    return rows;
  },
};
