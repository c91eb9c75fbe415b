import { Pub } from '../../src/transports/zmtp/zmtp.js';
import { type Bench, type BenchRow, check, isSlow } from '../support/bench.js';
import { costOf, FloodPeer, portOf } from './zmtp-peer.js';

const SUBSCRIBERS = 10;
// Messages that are sent before the streams are waited for.
const BURST = 200;

const PART_BYTES = 64;

/** Microseconds of CPU for a message to all subscribers, who are spread evenly over so many publishers, until the last byte is written. */
async function publish(publishers: number, parts: number, count: number): Promise<number> {
  const pubs = Array.from({ length: publishers }, () => new Pub({ sendHighWaterMark: 0, lingerMs: 0 }));
  const each = SUBSCRIBERS / publishers;
  const peers: FloodPeer[] = [];
  for (const pub of pubs) {
    await pub.bind('tcp://127.0.0.1:*');
    peers.push(new FloodPeer('sink', portOf(pub.lastEndpoint!), 'SUB', each));
  }
  const message = Array.from({ length: parts }, () => Buffer.alloc(PART_BYTES, 7));
  for (const pub of pubs) {
    // Until all have subscribed.
    for (let before = 0; pub.stats().sent - before < each; ) {
      before = pub.stats().sent;
      await nextTurnOf(10);
      await pub.send(message);
    }
  }
  const sent = pubs.map((pub) => pub.stats().sent);
  const { cpuUs } = await costOf(count / BURST, async () => {
    for (let i = 0; i < BURST; i++) for (const pub of pubs) await pub.send(message);
    while (pubs.some((pub) => pub.stats().queuedMessages > 0)) await nextTurnOf(0);
  });
  const messages = pubs.reduce((sum, pub, i) => sum + pub.stats().sent - sent[i]!, 0);
  check(messages >= SUBSCRIBERS * count, `${messages} messages for ${SUBSCRIBERS} subscribers and ${count} calls`);
  for (const peer of peers) await peer.stop();
  for (const pub of pubs) await pub.close();
  return cpuUs / BURST;
}

const nextTurnOf = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A message to n subscribers costs S + n W: to frame it once, and to hand it to n streams. Framed for each, ten would cost ten times a
 * message to one, 10 (S + W). So this is what a message to ten costs, against one each from ten publishers; above 1, S was paid once.
 */
export const zmtpPublish: Bench = {
  name: 'zmtp-publish',
  async run({ repeats, scale }) {
    const rows: BenchRow[] = [];
    for (const [name, parts, full] of [
      ['1-part', 1, 60_000],
      ['9-parts', 9, 20_000],
    ] as const) {
      const row = `zmtp-publish-10-${name}`;
      const count = Math.ceil((full * scale) / BURST) * BURST;
      const once: number[] = [];
      const tenfold: number[] = [];
      for (let repetition = 0; repetition < repeats; repetition++) {
        const first = repetition % 2 === 0;
        if (first) once.push((await publish(1, parts, count)) * (isSlow(row) ? 2 : 1));
        tenfold.push(await publish(SUBSCRIBERS, parts, count));
        if (!first) once.push((await publish(1, parts, count)) * (isSlow(row) ? 2 : 1));
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
