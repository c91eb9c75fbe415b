// Receives frames of the pattern `counter` and tells its parent of each: counter-peer.mjs pull|sub ENDPOINT DELAY_MS
import { setTimeout as delay } from 'node:timers/promises';

const { Pull, Sub } = await import('#dist/src/transports/zmtp/zmtp.js');
const { checkCounter } = await import('#dist/src/ingress/sim/counter.js');
const [type, endpoint, delayMs] = process.argv.slice(2);
const socket = type === 'sub' ? new Sub({ receiveHighWaterMark: 1000 }) : new Pull({ receiveHighWaterMark: 2 });
if (type === 'sub') socket.subscribe();
socket.events.once('handshake', () => process.send('ready'));
socket.connect(endpoint);
process.once('disconnect', () => process.exit());
for await (const [, data] of socket) {
  process.send(checkCounter(data));
  if (Number(delayMs) > 0) await delay(Number(delayMs));
}
