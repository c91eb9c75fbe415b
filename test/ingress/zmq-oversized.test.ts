import { afterEach, expect, it } from 'vitest';
import { pipeline } from '#dist/src/index.js';
import { Push } from '../../src/transports/zmtp/zmtp.js';
import { freePort } from '../support/servers/server-process.js';

const MIB = 2 ** 20;
let push: Push | undefined;
afterEach(() => push?.close(0));

const frameOf = (number: number, lengthBytes: number): [string, Buffer] => [
  JSON.stringify({ htype: 'array-1.0', type: 'uint8', shape: [lengthBytes], frame: number }),
  Buffer.alloc(lengthBytes, number),
];

it('a message far over maxFrame costs no memory, counts as too-large, and the frames around it arrive', async () => {
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const lines: string[] = [];
  const note = (_fields: object, message: string): void => {
    lines.push(message);
  };
  const run = pipeline('oversized')
    .source('in', { type: 'zmq', bind: address, maxFrame: '64KiB', frames: 5 })
    .sink('out', { type: 'iterate', from: 'in' })
    .build({ logger: { debug: note, info: note, warn: note, error: note } });
  await run.start();
  push = new Push({ sendHighWaterBytes: 1e9 });
  push.connect(address);
  for (const [number, lengthBytes] of [1000, 100 * MIB, 65_537, 1000, 200 * MIB].entries()) await push.send(frameOf(number, lengthBytes));
  const numbers: number[] = [];
  for await (const frame of run.sink('out')) numbers.push(frame.sequence);
  const report = await run.closed;
  expect(numbers).toEqual([0, 3]);
  expect(report.sources.in?.ledger).toMatchObject({ received: 5, delivered: 2, dead: { 'too-large': 3 } });
  expect(report.sources.in?.bytes).toBeLessThan(MIB);
  expect(lines.join('\n')).toContain('exceeds maxFrame (65536 bytes)');
});
