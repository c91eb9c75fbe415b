import net from 'node:net';
import { Pull as OtherPull } from 'zeromq';
import { Pull } from '../../src/transports/zmtp/zmtp.js';
import { type Bench, type BenchRow, check, isSlow } from '../support/bench.js';
import { type Cost, costOf, FloodPeer, portOf, turningSlots } from './zmtp-peer.js';

// From here on the kernel reads into the slot; shorter messages are copied into it.
const DIRECT_BYTES = 16 * 1024;

type Receiver = (lengthBytes: number, count: number) => Promise<Cost>;

function verify(body: Uint8Array | undefined, lengthBytes: number): void {
  check(body?.length === lengthBytes && body[0] === 7 && body[lengthBytes - 1] === 7, 'a message did not arrive intact');
}

function reader(pull: Pull, lengthBytes: number, next: () => Buffer): () => Promise<void> | void {
  const take = (body: Buffer | undefined) => {
    verify(body, lengthBytes);
    if (lengthBytes < DIRECT_BYTES) next().set(body!);
  };
  const wait = async () => take((await pull.receive())[0]);
  return () => {
    const parts = pull.tryReceive();
    if (parts === undefined) return wait();
    take(parts[0]);
  };
}

function ownPull(next: () => Buffer, lengthBytes: number, copyAccepted: boolean): Pull {
  const onFrame = { thresholdBytes: DIRECT_BYTES, take: () => next(), abandoned: () => {} };
  return new Pull({ onFrame, copyAccepted, receiveHighWaterMark: lengthBytes < DIRECT_BYTES ? 1000 : 2 });
}

const twice = (step: () => Promise<void> | void) => async () => {
  await step();
  await step();
};

const accepted = (copyAccepted: boolean, slow: boolean): Receiver => {
  return async (lengthBytes, count) => {
    const next = turningSlots(lengthBytes);
    const pull = ownPull(next, lengthBytes, copyAccepted);
    await pull.bind('tcp://127.0.0.1:*');
    const peer = new FloodPeer('send', portOf(pull.lastEndpoint!), lengthBytes);
    const step = reader(pull, lengthBytes, next);
    const cost = await costOf(count, slow ? twice(step) : step);
    await peer.stop();
    await pull.close();
    return cost;
  };
};

const connected =
  (slow: boolean): Receiver =>
  async (lengthBytes, count) => {
    const next = turningSlots(lengthBytes);
    const pull = ownPull(next, lengthBytes, false);
    const peer = new FloodPeer('serve', lengthBytes);
    pull.connect(`tcp://127.0.0.1:${await peer.port()}`);
    const step = reader(pull, lengthBytes, next);
    const cost = await costOf(count, slow ? twice(step) : step);
    await peer.stop();
    await pull.close();
    return cost;
  };

/** zeromq.js gives a buffer of its own, which is copied into the slot. */
const addon: Receiver = async (lengthBytes, count) => {
  const next = turningSlots(lengthBytes);
  const pull = new OtherPull();
  await pull.bind('tcp://127.0.0.1:*');
  const peer = new FloodPeer('send', portOf(pull.lastEndpoint!), lengthBytes);
  const cost = await costOf(count, async () => {
    const [body] = await pull.receive();
    verify(body, lengthBytes);
    next().set(body!);
  });
  await peer.stop();
  pull.close();
  return cost;
};

/** A socket that is read into the slots one after the other, whatever the bytes are, and nothing else. */
const bare: Receiver = async (lengthBytes, count) => {
  const peer = new FloodPeer('serve', lengthBytes);
  const port = await peer.port();
  const next = turningSlots(lengthBytes);
  let slot = next();
  let filled = 0;
  let arrived = 0;
  let wake: (() => void) | undefined;
  const socket = net.connect({
    port,
    host: '127.0.0.1',
    onread: {
      buffer: () => (filled === 0 ? slot : slot.subarray(filled)),
      callback: (bytes) => {
        filled += bytes;
        if (filled < lengthBytes) return true;
        filled = 0;
        slot = next();
        arrived += 1;
        wake?.();
        return true;
      },
    },
  });
  // As long as a greeting and a READY: the peer looks at no more.
  socket.write(Buffer.alloc(100));
  const cost = await costOf(count, () => {
    if (arrived > 0) {
      arrived -= 1;
      return;
    }
    return new Promise<void>((resolve) => {
      wake = () => {
        wake = undefined;
        arrived -= 1;
        resolve();
      };
    });
  });
  socket.destroy();
  await peer.stop();
  return cost;
};

interface Comparison {
  readonly bytes: number;
  readonly count: number;
  readonly ours: (slow: boolean) => Receiver;
  readonly against: string;
  readonly theirs: Receiver;
  /** A row by what it compares, with its bar. */
  readonly rows: readonly (readonly [row: string, of: keyof Cost, bar: number | undefined])[];
}

const ZEROMQ = 'zeromq.js, copied into the slot';
const COMPARISONS: readonly Comparison[] = [
  {
    bytes: 64,
    count: 300_000,
    ours: (slow) => accepted(false, slow),
    against: ZEROMQ,
    theirs: addon,
    rows: [
      ['zmtp-in-cpu-64b', 'cpuUs', 3],
      ['zmtp-in-64b', 'perS', 2.5],
    ],
  },
  {
    bytes: 1024,
    count: 150_000,
    ours: (slow) => accepted(false, slow),
    against: ZEROMQ,
    theirs: addon,
    rows: [
      ['zmtp-in-cpu-1kib', 'cpuUs', 3],
      ['zmtp-in-1kib', 'perS', 2.5],
    ],
  },
  {
    bytes: 4 << 20,
    count: 200,
    ours: (slow) => accepted(false, slow),
    against: ZEROMQ,
    theirs: addon,
    rows: [['zmtp-in-cpu-4mib', 'cpuUs', 1.5]],
  },
  {
    bytes: 4 << 20,
    count: 200,
    ours: (slow) => accepted(true, slow),
    against: ZEROMQ,
    theirs: addon,
    rows: [['zmtp-in-cpu-4mib-copied', 'cpuUs', undefined]],
  },
  {
    bytes: 4 << 20,
    count: 400,
    ours: connected,
    against: 'a bare socket, read into the slots',
    theirs: bare,
    rows: [['zmtp-in-4mib-bare', 'perS', 0.9]],
  },
];

/** A PULL under a sender that outruns it: processor time and messages a second, of either side in turn. */
export const zmtpReceive: Bench = {
  name: 'zmtp-receive',
  async run({ repeats, scale }) {
    const rows: BenchRow[] = [];
    for (const { bytes, count: full, ours, against, theirs, rows: wanted } of COMPARISONS) {
      const count = Math.ceil(full * scale);
      const own: Cost[] = [];
      const other: Cost[] = [];
      const receive = ours(wanted.some(([row]) => isSlow(row)));
      for (let repetition = 0; repetition < repeats; repetition++) {
        const first = repetition % 2 === 0;
        if (first) own.push(await receive(bytes, count));
        other.push(await theirs(bytes, count));
        if (!first) own.push(await receive(bytes, count));
      }
      for (const [row, of, bar] of wanted) {
        const cpu = of === 'cpuUs';
        const unit = cpu ? 'us of CPU a message' : 'messages/s';
        rows.push({
          row,
          measured: { name: 'received here', unit, values: own.map((cost) => cost[of]) },
          reference: { name: against, unit, values: other.map((cost) => cost[of]) },
          ratios: own.map((cost, i) => (cpu ? other[i]!.cpuUs / cost.cpuUs : cost.perS / other[i]!.perS)),
          ratio: cpu ? 'times less CPU' : 'times as many a second',
          ...(bar === undefined ? {} : { bar }),
        });
      }
    }
    return rows;
  },
};
