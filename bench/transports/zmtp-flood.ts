// A peer of its own process: node zmtp-flood.js send PORT BYTES replays framed messages as fast as they are taken;
// node zmtp-flood.js sink PORT takes what it is sent and reads none of it.
import net from 'node:net';

const [, , role, port, bytes] = process.argv;
const greeting = (type: string) => {
  const rest = Buffer.alloc(53);
  rest[0] = 1;
  rest.write('NULL', 1);
  const ready = Buffer.concat([Buffer.from('\x05READY\x0bSocket-Type\0\0\0\x04', 'latin1'), Buffer.from(type)]);
  return Buffer.concat([Buffer.from([255, 0, 0, 0, 0, 0, 0, 0, 1, 127, 3]), rest, Buffer.from([4, ready.length]), ready]);
};
// What a sink reads is looked at by nobody.
const onread = { buffer: Buffer.alloc(1 << 20), callback: () => true };
const socket = net.connect({ port: Number(port), host: '127.0.0.1', ...(role === 'sink' ? { onread } : {}) });
socket.on('error', () => process.exit());
socket.on('close', () => process.exit());
if (role === 'send') {
  const length = Number(bytes);
  const head = Buffer.alloc(length < 256 ? 2 : 9);
  if (length < 256) head[1] = length;
  else {
    head[0] = 2;
    head.writeUInt32BE(length, 5);
  }
  const one = Buffer.concat([head, Buffer.alloc(length, 7)]);
  const block = Buffer.concat(new Array(Math.max(1, Math.floor(1_000_000 / one.length))).fill(one));
  socket.write(greeting('PUSH'));
  socket.resume();
  const pump = () => {
    while (socket.write(block));
  };
  socket.on('drain', pump);
  pump();
} else socket.write(greeting('PULL'));
