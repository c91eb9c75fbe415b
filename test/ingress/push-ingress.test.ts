import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, it } from 'vitest';
import { SILENT } from '../../src/errors/logger.js';
import type { FrameWriter } from '../../src/ingress/ingress.js';
import { pushIngress } from '../../src/ingress/push-ingress.js';

const header = { dtype: 'uint8', shape: [1] } as const;
const { port1: program, port2: port } = new MessageChannel();
afterEach(() => program.close());

it('takes what was pushed before the drain, and nothing after it has ended', async () => {
  const written: number[] = [];
  const answers: unknown[] = [];
  program.on('message', (answer) => answers.push(answer));
  let release: () => void = () => {};
  const out = {
    write: async (_: unknown, data: Uint8Array) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return written.push(data[0]!) > 0;
    },
  } as unknown as FrameWriter;
  const ingress = pushIngress.create({}, { name: 's', codec: undefined as never, baseDir: '/', maxFrameBytes: 2 ** 24, log: SILENT, port });
  const stopping = new AbortController();
  await ingress.open();
  const ended = ingress.run(out, stopping.signal);
  const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
  for (const n of [1, 2]) program.postMessage({ header, bytes: new Uint8Array([n]) });
  await turn();
  stopping.abort();
  program.postMessage({ header, bytes: new Uint8Array([3]) });
  for (let i = 0; i < 3; i++) {
    release();
    await turn();
  }
  await ended;
  expect([written, answers]).toEqual([
    [1, 2],
    ['taken', 'taken'],
  ]);
  await ingress.close();
});

it('tells the planner shape and dtype where the program knows them', async () => {
  expect(await pushIngress.plan!({ shape: [2, 3], dtype: 'uint16' }, { baseDir: '/' })).toEqual({ shape: [2, 3], dtype: 'uint16' });
  expect(await pushIngress.plan!({}, { baseDir: '/' })).toEqual({});
});
