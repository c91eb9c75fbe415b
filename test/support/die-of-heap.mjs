// node --max-old-space-size=128 die-of-heap.mjs FOLDER ROUNDS: workers that fill their heap; prints the report.

import { Pipeline } from '../../dist/src/run/pipeline.js';
import { specFromObject } from '../../dist/src/spec/load.js';

const [folder, rounds] = process.argv.slice(2);
const pipeline = new Pipeline(
  specFromObject({
    version: 1,
    sources: { s: { type: 'sim', pattern: 'counter', shape: [1, 24], dtype: 'uint16', frames: 400 * rounds, rate: 4000 } },
    stages: {
      work: {
        from: 's',
        workers: 2,
        operators: [{ type: new URL('./operators/deaths.mjs', import.meta.url).href, kind: 'heap', every: 400, at: 200, folder }],
      },
    },
    sinks: { out: { type: 'null', from: 'work', checksum: true } },
  }),
);
await pipeline.start();
console.log(JSON.stringify(await pipeline.closed));
