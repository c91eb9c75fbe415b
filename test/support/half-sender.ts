import { once } from 'node:events';
import net from 'node:net';

/** Greeting of a PUSH and its READY (RFC 37), as they lie on the wire. */
function greeting(): Buffer {
  const rest = Buffer.alloc(53);
  rest[0] = 1;
  rest.write('NULL', 1);
  const ready = Buffer.concat([Buffer.from('\x05READY\x0bSocket-Type\0\0\0\x04', 'latin1'), Buffer.from('PUSH')]);
  return Buffer.concat([Buffer.from([255, 0, 0, 0, 0, 0, 0, 0, 1, 127, 3]), rest, Buffer.from([4, ready.length]), ready]);
}

function longHead(flags: number, lengthBytes: number): Buffer {
  const head = Buffer.alloc(9);
  head[0] = flags | 2;
  head.writeUInt32BE(lengthBytes, 5);
  return head;
}

/** A PUSH that sends a whole header, then half of the body that it announces, and nothing more. Resolves when it has. */
export async function sendHalf(port: number, lengthBytes: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {}); // its other end is ended
  socket.resume();
  await once(socket, 'connect');
  const header = Buffer.from(JSON.stringify({ htype: 'array-1.0', shape: [lengthBytes], type: 'uint8', frame: 1e9 }));
  const half = Buffer.alloc(lengthBytes / 2, 0xee);
  const bytes = Buffer.concat([greeting(), Buffer.from([1, header.length]), header, longHead(0, lengthBytes), half]);
  await new Promise((resolve) => socket.write(bytes, resolve));
  return socket;
}
