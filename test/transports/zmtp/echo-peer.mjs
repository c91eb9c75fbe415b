// A peer of libzmq that lives until it is killed: node echo-peer.mjs PULL_ADDRESS PUSH_ADDRESS sends back what it is sent.
import { Pull, Push } from 'zeromq';

const [, , pullAddress, pushAddress] = process.argv;
const pull = new Pull();
const push = new Push();
for (let tries = 0; ; tries++) {
  try {
    await pull.bind(pullAddress);
    break;
  } catch (error) {
    if (tries > 50) throw error;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
push.connect(pushAddress);
for await (const parts of pull) await push.send(parts);
