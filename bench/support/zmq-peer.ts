// The other ends of the ZeroMQ bench, in a process of its own: sends frames by array-1.0, receives the profiles, looks that
// they come in order and that those of the same frame are equal.
import { Pull, Push } from 'zeromq';
import { drawFrame, SEEDS, SHAPE } from './integrate-frame.js';

export interface PeerReady {
  readonly frames: string;
  readonly profiles: string;
}

export interface PeerResult {
  /** From the first profile to the last. */
  readonly seconds: number;
  /** One for each of the frames that take turns. */
  readonly profiles: readonly number[][];
}

async function serve(): Promise<void> {
  const push = new Push({ sendHighWaterMark: 4, linger: 0 });
  const pull = new Pull({ receiveHighWaterMark: 100 });
  await push.bind('tcp://127.0.0.1:*');
  await pull.bind('tcp://127.0.0.1:*');
  const frames = SEEDS.map(drawFrame);
  const profiles: Float64Array[] = [];

  async function send(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const header = JSON.stringify({ htype: 'array-1.0', shape: SHAPE, type: 'uint16', frame: i });
      await push.send([header, Buffer.from(frames[i % frames.length]!.buffer)]);
    }
  }

  async function receive(count: number): Promise<number> {
    let firstMs = 0;
    for (let i = 0; i < count; i++) {
      const [header, data] = (await pull.receive()) as [Buffer, Buffer];
      if (i === 0) firstMs = performance.now();
      const { frame } = JSON.parse(header.toString()) as { frame: number };
      if (frame !== i) throw new Error(`wrong result: frame ${frame} in place of ${i}`);
      const profile = new Float64Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
      const known = profiles[i % frames.length];
      if (!known) profiles[i % frames.length] = profile;
      else if (profile.some((value, k) => !Object.is(value, known[k]))) throw new Error(`wrong result: profile ${i} differs`);
    }
    return (performance.now() - firstMs) / 1e3;
  }

  process.on('message', (count: number) => {
    void send(count);
    void receive(count).then(
      (seconds) => process.send!({ seconds, profiles: profiles.map((profile) => [...profile]) } satisfies PeerResult),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.once('disconnect', () => process.exit(0));
  process.send!({ frames: push.lastEndpoint!, profiles: pull.lastEndpoint! } satisfies PeerReady);
}

if (process.send) await serve();
