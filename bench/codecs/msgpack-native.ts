import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Bench } from '../support/bench.js';

const run = promisify(execFile);
const BYTES = 2 * 2 ** 20;

/** Runs in a process of its own, since msgpackr chooses its native part when it is loaded. Microseconds a frame of 2 MiB. */
const PROGRAM = `
import { msgpack } from ${JSON.stringify(new URL('../../src/codecs/msgpack.js', import.meta.url).href)};
const data = new Uint16Array(${BYTES / 2}).fill(7);
const frame = { source: 's', ordinal: 1, sequence: 1, timestamp: 1, shape: [1024, 1024], dtype: 'uint16', data, bytes: new Uint8Array(data.buffer), address: 0, meta: { columns: ['a', 'b'] } };
const message = msgpack.encode(frame).map((part) => Uint8Array.from(part));
const decode = (n) => { for (let i = 0; i < n; i++) if (msgpack.decode(message).data.length !== ${BYTES}) throw new Error('wrong result'); };
decode(500);
const from = performance.now();
decode(3000);
console.log((performance.now() - from) / 3);`;

/** What the native part of msgpackr is worth to a frame. */
export const msgpackNative: Bench = {
  name: 'msgpack-native',
  async run({ repeats }) {
    const time = async (disabled: boolean): Promise<number> => {
      const env = { ...process.env, ...(disabled ? { MSGPACKR_NATIVE_ACCELERATION_DISABLED: 'true' } : {}) };
      return Number((await run(process.execPath, ['--input-type=module', '-e', PROGRAM], { env })).stdout);
    };
    const without: number[] = [];
    const native: number[] = [];
    for (let i = 0; i < repeats; i++) {
      native.push(await time(false));
      without.push(await time(true));
    }
    return [
      {
        row: 'msgpack-native',
        measured: { name: 'decode in JavaScript', unit: 'us', values: without },
        reference: { name: 'with msgpackr-extract', unit: 'us', values: native },
        ratios: without.map((us, i) => native[i]! / us),
        ratio: 'times as fast',
      },
    ];
  },
};
