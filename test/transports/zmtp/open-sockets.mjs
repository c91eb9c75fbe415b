// A thread that holds sockets under load until it is terminated: workerData is { address } of a PULL to send to.
import { parentPort, workerData } from 'node:worker_threads';
import { Pub, Pull, Push, Sub } from '#dist/src/transports/zmtp/zmtp.js';

const shared = new SharedArrayBuffer(1024 * 1024);
const onFrame = { thresholdBytes: 1024, take: (lengthBytes) => Buffer.from(shared, 0, lengthBytes), abandoned: () => {} };
const pull = new Pull({ onFrame });
await pull.bind('tcp://127.0.0.1:*');
const push = new Push();
push.connect(pull.lastEndpoint);
const out = new Push();
out.connect(workerData.address);
const pub = new Pub();
await pub.bind('tcp://127.0.0.1:*');
const sub = new Sub();
sub.connect(pub.lastEndpoint);
sub.subscribe();

const large = Buffer.from(new SharedArrayBuffer(1024 * 1024));
async function load(socket, body) {
  for (;;) await socket.send(['head', body]);
}
async function drain(socket) {
  for await (const _ of socket);
}
drain(pull);
drain(sub);
load(push, large);
load(out, large);
load(pub, Buffer.alloc(100));
parentPort.postMessage('open');
