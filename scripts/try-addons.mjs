// Which of the packages named on the command line load, in this program and in a thread of it: one line of JSON.
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const names = isMainThread ? process.argv.slice(2) : workerData;
const loaded = [];
for (const name of names) {
  try {
    const found = await import(name);
    // This one does without its binary by itself, and is then empty.
    if (name !== 'msgpackr-extract' || found.default?.extractStrings) loaded.push(name);
  } catch {} // it does not load: that is the answer
}
if (isMainThread) {
  const thread = new Worker(fileURLToPath(import.meta.url), { workerData: names });
  const inThread = await new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
  console.log(JSON.stringify({ loaded, inThread }));
} else parentPort.postMessage(loaded);
