import { parentPort, workerData } from 'node:worker_threads';
import { Attachment } from '#dist/src/agents/thread/attachment.js';
import { SLOT } from '#dist/src/frame/slot-layout.js';
import { LINE } from '#dist/src/ring/ring-layout.js';

/** Pushes its share of the numbers through one edge, or takes from it until all were taken. Results: order breaks and takes. */
const { memory, plan, thread, role, index, producers, items, from, to, shared } = workerData;
const attachment = new Attachment(memory, plan, thread);
const { ring, line } = attachment;
const seen = new Int32Array(shared);
const TAKEN = items;
const IDLE = items + 1;
let idle = 0;
const rest = () => {
  if (++idle % 64 === 0) Atomics.wait(seen, IDLE, 0, 0.05);
};

let breaks = 0;
let count = 0;
if (role === 'produce') {
  const pool = attachment.poolOf(from).ring;
  for (let n = index; n < items; n += producers) {
    let slot = ring.claim(pool);
    while (slot < 0) {
      rest();
      slot = ring.claim(pool);
    }
    const header = plan.headers + slot * plan.stride;
    attachment.setWord(header + SLOT.source, 0);
    attachment.setWord(header + SLOT.ordinal, n);
    attachment.setWord(header + SLOT.length, n ^ 0x5a5a5a);
    attachment.setWord(line + LINE.outputReferences, slot);
    attachment.setWord(line + LINE.outputReferences + 4, attachment.edgeInto(to).ring);
    let done = ring.commit(0, 1, 0, 1, 0);
    while (done < 1) {
      rest();
      done = ring.resume(0);
    }
    count++;
  }
} else {
  const edge = attachment.edgeInto(to).ring;
  const last = new Int32Array(producers).fill(-1);
  while (Atomics.load(seen, TAKEN) < items) {
    const reference = ring.take(edge, 0);
    if (reference < 0) {
      rest();
      continue;
    }
    const header = plan.headers + (reference & 0xffffff) * plan.stride;
    const n = attachment.word(header + SLOT.ordinal);
    if (attachment.word(header + SLOT.length) !== (n ^ 0x5a5a5a)) breaks++;
    if (n <= last[n % producers]) breaks++;
    last[n % producers] = n;
    Atomics.add(seen, n, 1);
    ring.release(reference);
    Atomics.add(seen, TAKEN, 1);
    count++;
  }
}
parentPort.postMessage({ breaks, count });
