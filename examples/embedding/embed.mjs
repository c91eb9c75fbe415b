import { pipeline } from 'millrace';

const run = pipeline('embedded')
  .source('camera', { type: 'push', maxFrame: '1MiB' })
  .stage('reduce', { from: 'camera', workers: 2, operators: [{ type: 'rebin', factor: 4 }] })
  .sink('result', { type: 'iterate', from: 'reduce' })
  .build({ logger: console });
await run.start();
const camera = run.source('camera');
for (let n = 0; n < 8; n++) void camera.push({ data: new Uint16Array(64 * 64).fill(n), shape: [64, 64], sequence: n });
camera.end();
for await (const frame of run.sink('result')) console.log(frame.sequence, frame.shape, frame.dtype, frame.data[0]);
const { ok, sources } = await run.closed;
console.log(ok, sources.camera?.ledger);
