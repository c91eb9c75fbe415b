import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { array10 } from '../../src/codecs/array-1.0.js';
import { CounterPattern, checkCounter } from '../../src/ingress/sim/counter.js';
import { openZmqReader, openZmqWriter } from '../../src/transports/zmq.js';
import { seeded } from '../support/arena.js';
import { accounted, Pipeline, recordingLogger, specFromObject } from '../support/run-pipeline.js';
import { freePort } from '../support/servers/server-process.js';
import { testSize } from '../support/test-size.js';

/** One knob: 200 in a soak. */
const DEATHS = testSize('MILLRACE_TEST_KILLS', 5, 20);
const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20_261_124);
const SIZES = { 'small frames': 480, 'frames that go where they lie': 100_000 };

/** Sends frames that prove themselves until it is told to stop; those that wait for a peer that has gone come again when it is back. */
async function startSender(endpoint: string, lengthBytes: number) {
  const push = await openZmqWriter({ driver: 'zmtp', socket: 'push', connect: endpoint, highWaterMark: 4, lingerMs: 0, immediate: false });
  const pattern = new CounterPattern({ seed: 5 } as ConstructorParameters<typeof CounterPattern>[0]);
  let stopped = false;
  let sent = 0;
  const done = (async () => {
    const bytes = Buffer.alloc(lengthBytes);
    for (; !stopped; sent++) {
      pattern.fill(sent, bytes);
      const header = JSON.stringify({ htype: 'array-1.0', shape: [lengthBytes], type: 'uint8', frame: sent });
      if (!(await push.send([header, bytes]))) return;
      if (sent % 8 === 0) await delay(1);
    }
  })();
  return {
    sent: () => sent,
    stop: async () => {
      stopped = true;
      push.close(0);
      await done;
      await push.released();
    },
  };
}

/** Receives what the sink sends, and looks at each. */
async function startReceiver(endpoint: string) {
  const pull = await openZmqReader({ driver: 'zmtp', socket: 'pull', bind: endpoint, highWaterMark: 10 });
  const times = new Map<number, number>();
  const faults: string[] = [];
  const done = (async () => {
    for (let parts = await pull.receive(); parts; parts = await pull.receive()) {
      const { sequence, data } = array10.decode(parts);
      const verdict = checkCounter(data);
      if (!verdict.intact || verdict.number !== sequence) faults.push(`frame ${sequence} is corrupt`);
      times.set(sequence!, (times.get(sequence!) ?? 0) + 1);
    }
  })();
  return {
    times,
    faults,
    close: async () => {
      await pull.close();
      await done;
    },
  };
}

describe(`threads of zmq that are ended under load, ${DEATHS} times each, seed ${SEED}`, () => {
  for (const [what, lengthBytes] of Object.entries(SIZES)) {
    it(`${what}: balanced, nothing twice in the arena, nothing corrupt, and what was received comes out`, {
      timeout: 300_000,
    }, async () => {
      const [from, to] = [`tcp://127.0.0.1:${await freePort()}`, `tcp://127.0.0.1:${await freePort()}`];
      const receiver = await startReceiver(to);
      const { logger, lines } = recordingLogger();
      const pipeline = new Pipeline(
        specFromObject({
          version: 1,
          failOn: 'none',
          sources: { in: { type: 'zmq', bind: from, maxFrame: lengthBytes, highWaterMark: 10 } },
          stages: { pass: { from: 'in', operators: [] } },
          sinks: {
            out: { type: 'zmq', from: 'pass', connect: to, highWaterMark: 10 },
            read: { type: 'iterate', from: 'pass' },
          },
        }),
        { logger, poison: true },
      );
      await pipeline.start();
      const seen = (async () => {
        const numbers = new Set<number>();
        let last: number | undefined;
        for await (const { ordinal, sequence, bytes } of pipeline.sink('read')) {
          if (last !== undefined && ((ordinal - last) | 0) <= 0) throw new Error(`ordinal ${ordinal} came after ${last}`);
          if (numbers.has(sequence)) throw new Error(`number ${sequence} came twice`);
          if (!checkCounter(bytes).intact) throw new Error(`frame ${ordinal} is corrupt`);
          numbers.add(sequence);
          last = ordinal;
        }
        return numbers;
      })();
      const sender = await startSender(from, lengthBytes);
      const random = seeded(SEED + lengthBytes);
      const deaths = { in: 0, out: 0 };
      let over = false;
      seen.catch(() => {
        over = true; // it is told when the run has ended
      });
      void pipeline.closed.then(() => {
        over = true;
      });
      while ((deaths.in < DEATHS || deaths.out < DEATHS) && !over) {
        const before = pipeline.progress().delivered;
        await delay(5 + random(60));
        // Under load: something went through since the last one.
        for (let waited = 0; pipeline.progress().delivered === before && waited < 10_000 && !over; waited += 5) await delay(5);
        const name = deaths.in < DEATHS && (deaths.out >= DEATHS || random(2) === 0) ? 'in' : 'out';
        if (pipeline.terminateThread(name)) deaths[name]++;
      }
      await delay(300);
      await sender.stop();
      const report = await pipeline.stop();
      const numbers = await seen;
      await delay(200);
      await receiver.close();
      const { ledger, verdict } = report.sources.in!;
      const repeats = [...receiver.times.values()].reduce((sum, times) => sum + times - 1, 0);
      const { redelivered } = report.sinks.out!;
      console.log(
        `${what}: ${deaths.in} and ${deaths.out} deaths, ${sender.sent()} sent, ${ledger.received} received, ${receiver.times.size} came out, ${repeats} twice, ${redelivered} redelivered`,
      );
      // A frame with which three threads of the sink died is given up, and each has its line.
      const { lost = 0, 'worker-lost': givenUp = 0, ...dead } = ledger.dead;
      const errors = lines.filter(({ level }) => level === 'error').map(({ message }) => message);
      expect(errors.filter((message) => !/^frame \d+ of 'in' was given up after 3 threads died/.test(message))).toEqual([]);
      expect(errors).toHaveLength(givenUp);
      expect(report).toMatchObject({ ok: true, balanced: true });
      // What a sink had accepted when its thread died, and not written, is lost with that thread.
      expect(dead).toEqual({});
      expect(ledger).toMatchObject({ delivered: ledger.received - lost - givenUp, dropped: {}, inFlight: 0 });
      expect(accounted(ledger)).toBe(ledger.received);
      expect(numbers.size).toBe(ledger.received);
      expect(verdict.state).toBe('unverifiable');
      expect(receiver.faults).toEqual([]);
      for (const number of receiver.times.keys()) expect(numbers.has(number)).toBe(true);
      expect(repeats).toBeLessThanOrEqual(redelivered);
      // What a dead thread had handed to the system, or queued, is lost with its stream: a few frames a death.
      expect(ledger.received).toBeGreaterThan(DEATHS * 10);
      expect(receiver.times.size).toBeGreaterThan(ledger.received / 2);
    });
  }
});
