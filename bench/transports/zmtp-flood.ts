// A peer in a process of its own, by hand-made bytes, so that what is measured is the other side:
//   zmtp-flood.js send PORT BYTES          connects, and replays framed messages as fast as they are taken
//   zmtp-flood.js serve BYTES              the same to whoever connects; tells its port
//   zmtp-flood.js sink PORT TYPE [COUNT]   takes what it is sent, by COUNT connections, and reads none of it; a SUB subscribes to all
import net from 'node:net';

const [, , role, ...rest] = process.argv;

const HANDSHAKE_BYTES = 80;

function greeting(type: string): Buffer {
  const filler = Buffer.alloc(53);
  filler[0] = 1;
  filler.write('NULL', 1);
  const length = Buffer.alloc(4);
  length[3] = type.length;
  const ready = Buffer.concat([Buffer.from('\x05READY\x0bSocket-Type', 'latin1'), length, Buffer.from(type)]);
  return Buffer.concat([Buffer.from([255, 0, 0, 0, 0, 0, 0, 0, 1, 127, 3]), filler, Buffer.from([4, ready.length]), ready]);
}

function framed(length: number): Buffer {
  const head = Buffer.alloc(length < 256 ? 2 : 9);
  if (length < 256) head[1] = length;
  else {
    head[0] = 2;
    head.writeUInt32BE(length, 5);
  }
  return Buffer.concat([head, Buffer.alloc(length, 7)]);
}

function flood(socket: net.Socket, length: number): void {
  const one = framed(length);
  const block = Buffer.concat(new Array(Math.max(1, Math.floor(1_000_000 / one.length))).fill(one));
  socket.write(greeting('PUSH'));
  const pump = () => {
    while (socket.write(block));
  };
  // Messages may come after the other side's READY alone, which has more than these bytes with the greeting.
  let heard = 0;
  socket.on('data', (data) => {
    if (heard < HANDSHAKE_BYTES && heard + data.length >= HANDSHAKE_BYTES) {
      socket.on('drain', pump);
      pump();
    }
    heard += data.length;
  });
}

function watch(socket: net.Socket): net.Socket {
  socket.on('error', () => process.exit());
  socket.on('close', () => process.exit());
  return socket;
}

process.once('disconnect', () => process.exit());
if (role === 'send') flood(watch(net.connect(Number(rest[0]), '127.0.0.1')), Number(rest[1]));
else if (role === 'serve') {
  const server = net.createServer((socket) => flood(watch(socket), Number(rest[0])));
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as net.AddressInfo).port));
} else {
  for (let count = Number(rest[2] ?? 1); count > 0; count--) {
    // What is read is looked at by nobody.
    const onread = { buffer: Buffer.alloc(1 << 20), callback: () => true };
    const socket = watch(net.connect({ port: Number(rest[0]), host: '127.0.0.1', onread }));
    socket.write(greeting(rest[1]!));
    if (rest[1] === 'SUB') socket.write(Buffer.from('\x04\x0a\x09SUBSCRIBE', 'latin1'));
  }
}
