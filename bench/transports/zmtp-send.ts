import { Push as OtherPush } from 'zeromq';
import { Push } from '../../src/transports/zmtp/zmtp.js';
import { type Bench, type BenchRow, isSlow } from '../support/bench.js';
import { costOf, FloodPeer, portOf, turningSlots } from './zmtp-peer.js';

async function ours(lengthBytes: number, count: number, slow: boolean): Promise<number> {
  const push = new Push({ lingerMs: 0 });
  await push.bind('tcp://127.0.0.1:*');
  const peer = new FloodPeer('sink', portOf(push.lastEndpoint!), 'PULL');
  const next = turningSlots(lengthBytes);
  const { cpuUs } = await costOf(count, async () => {
    await push.send(next());
    if (slow) await push.send(next());
  });
  await peer.stop();
  await push.close();
  return cpuUs;
}

/** zeromq.js never says when it is done with a buffer: a slot would be given again too early, so each message is a copy. */
async function theirs(lengthBytes: number, count: number): Promise<number> {
  const push = new OtherPush({ linger: 0 });
  await push.bind('tcp://127.0.0.1:*');
  const peer = new FloodPeer('sink', portOf(push.lastEndpoint!), 'PULL');
  const next = turningSlots(lengthBytes);
  const { cpuUs } = await costOf(count, () => push.send(Buffer.from(next())));
  await peer.stop();
  push.close();
  return cpuUs;
}

const SIZES = [
  { name: '64b', bytes: 64, count: 300_000, bar: 2 },
  { name: '1kib', bytes: 1024, count: 150_000, bar: 2 },
  { name: '4mib', bytes: 4 << 20, count: 200, bar: 1.5 },
] as const;

/** A PUSH from slots in shared memory to a peer that takes all and looks at nothing: processor time a message. */
export const zmtpSend: Bench = {
  name: 'zmtp-send',
  async run({ repeats, scale }) {
    const rows: BenchRow[] = [];
    for (const { name, bytes, count: full, bar } of SIZES) {
      const row = `zmtp-out-cpu-${name}`;
      const count = Math.ceil(full * scale);
      const own: number[] = [];
      const other: number[] = [];
      for (let repetition = 0; repetition < repeats; repetition++) {
        const first = repetition % 2 === 0;
        if (first) own.push(await ours(bytes, count, isSlow(row)));
        other.push(await theirs(bytes, count));
        if (!first) own.push(await ours(bytes, count, isSlow(row)));
      }
      rows.push({
        row,
        measured: { name: 'sent here', unit: 'us of CPU a message', values: own },
        reference: { name: 'zeromq.js, from a copy', unit: 'us of CPU a message', values: other },
        ratios: own.map((us, i) => other[i]! / us),
        ratio: 'times less CPU',
        bar,
      });
    }
    return rows;
  },
};
