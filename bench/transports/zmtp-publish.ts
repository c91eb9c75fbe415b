import { Pub } from '../../src/transports/zmtp/zmtp.js';
import { type Bench, type BenchRow, check, isSlow } from '../support/bench.js';
import { costOf, FloodPeer, portOf } from './zmtp-peer.js';

const SUBSCRIBERS = 10;

/** Microseconds of CPU for a message to all subscribers, who are spread evenly over so many publishers. */
async function publish(publishers: number, bytes: number, count: number): Promise<number> {
  const pubs = Array.from({ length: publishers }, () => new Pub({ sendHighWaterMark: 0, lingerMs: 0 }));
  const peers: FloodPeer[] = [];
  for (const pub of pubs) {
    await pub.bind('tcp://127.0.0.1:*');
    peers.push(new FloodPeer('sink', portOf(pub.lastEndpoint!), 'SUB', SUBSCRIBERS / publishers));
  }
  const body = Buffer.alloc(bytes, 7);
  for (const pub of pubs) {
    // Until all have subscribed.
    for (let before = 0; pub.stats().sent - before < SUBSCRIBERS / publishers; ) {
      before = pub.stats().sent;
      await new Promise((resolve) => setTimeout(resolve, 10));
      await pub.send(body);
    }
  }
  const sent = pubs.map((pub) => pub.stats().sent);
  const { cpuUs } = await costOf(count, async () => {
    for (const pub of pubs) await pub.send(body);
  });
  const messages = pubs.reduce((sum, pub, i) => sum + pub.stats().sent - sent[i]!, 0);
  check(messages >= SUBSCRIBERS * count, `${messages} messages for ${SUBSCRIBERS} subscribers and ${count} calls`);
  for (const peer of peers) await peer.stop();
  for (const pub of pubs) await pub.close();
  return cpuUs;
}

/**
 * What a message to ten subscribers costs when it is framed once for all of them, against ten publishers of one subscriber each,
 * which frame it ten times. The ten streams are written either way.
 */
export const zmtpPublish: Bench = {
  name: 'zmtp-publish',
  async run({ repeats, scale }) {
    const rows: BenchRow[] = [];
    for (const [name, bytes, full] of [
      ['64b', 64, 60_000],
      ['1kib', 1024, 30_000],
    ] as const) {
      const row = `zmtp-publish-10-${name}`;
      const count = Math.ceil(full * scale);
      const once: number[] = [];
      const tenfold: number[] = [];
      for (let repetition = 0; repetition < repeats; repetition++) {
        once.push(await publish(1, bytes, isSlow(row) ? 2 * count : count).then((us) => (isSlow(row) ? 2 * us : us)));
        tenfold.push(await publish(SUBSCRIBERS, bytes, count));
      }
      rows.push({
        row,
        measured: { name: 'one PUB with ten subscribers', unit: 'us of CPU a message', values: once },
        reference: { name: 'ten PUB with one each', unit: 'us of CPU a message', values: tenfold },
        ratios: once.map((us, i) => tenfold[i]! / us),
        ratio: 'times less CPU',
        bar: 1,
      });
    }
    return rows;
  },
};
