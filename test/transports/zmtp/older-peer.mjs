// A peer of ZMTP 2.0 (RFC 15) or 3.0 (RFC 23) in a process of its own, written from the grammars alone:
//   node older-peer.mjs 2.0|3.0 TYPE connect|bind PORT
// It breaks off with a reason when what it reads does not follow its grammar, tells its parent of each message as
// {message: [hex, ...]}, and sends what it is told by {send: [hex, ...]}.
import net from 'node:net';

const [, , version, type, way, portText] = process.argv;
// RFC 15, "socket-type".
const TYPES = ['PAIR', 'PUB', 'SUB', 'REQ', 'REP', 'DEALER', 'ROUTER', 'PULL', 'PUSH'];
const MORE = 1;
const LONG = 2;
const COMMAND = 4;

const short = (flags, body) => Buffer.concat([Buffer.from([flags, body.length]), body]);
function frame(flags, body) {
  if (body.length < 256) return short(flags, body);
  const head = Buffer.alloc(9);
  head[0] = flags | LONG;
  head.writeBigUInt64BE(BigInt(body.length), 1);
  return Buffer.concat([head, body]);
}

function breakOff(why) {
  process.send({ broken: why });
  process.exit(1);
}

function talk(socket) {
  let bytes = Buffer.alloc(0);
  let wake;
  socket.on('data', (data) => {
    bytes = Buffer.concat([bytes, data]);
    wake?.();
  });
  socket.on('error', () => {});
  socket.on('close', () => process.send({ closed: true }, () => process.exit()));
  const take = async (count) => {
    while (bytes.length < count) {
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
    const taken = bytes.subarray(0, count);
    bytes = bytes.subarray(count);
    return taken;
  };
  const readFrame = async (known) => {
    const [flags] = await take(1);
    if ((flags & ~known) !== 0) breakOff(`flags ${flags} in ZMTP ${version}`);
    const length = flags & LONG ? Number((await take(8)).readBigUInt64BE()) : (await take(1))[0];
    return { flags, body: await take(length) };
  };

  async function greet2() {
    // greeting = signature revision socket-type identity; a revision above ours is spoken to in ours.
    socket.write(
      Buffer.concat([Buffer.from('ff00000000000000017f01', 'hex'), Buffer.from([TYPES.indexOf(type)]), short(0, Buffer.alloc(0))]),
    );
    const signature = await take(10);
    if (signature[0] !== 0xff || signature[9] !== 0x7f) breakOff(`signature ${signature.toString('hex')}`);
    if ((await take(1))[0] < 1) breakOff('revision 0');
    const [theirs] = await take(1);
    if (theirs >= TYPES.length) breakOff(`socket type ${theirs}`);
    const identity = await readFrame(0);
    process.send({ ready: TYPES[theirs], identity: identity.body.toString() });
    return MORE | LONG;
  }

  async function greet3() {
    const greeting = Buffer.alloc(64);
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting.write('NULL', 12);
    socket.write(greeting);
    const theirs = await take(64);
    if (theirs[0] !== 0xff || theirs[9] !== 0x7f || theirs[10] < 3) breakOff(`greeting ${theirs.toString('hex')}`);
    if (theirs.toString('latin1', 12, 32) !== `NULL${'\0'.repeat(16)}`) breakOff('mechanism');
    if (theirs.subarray(33).some((byte) => byte !== 0)) breakOff('filler');
    const value = Buffer.alloc(4);
    value.writeUInt32BE(type.length);
    socket.write(frame(COMMAND, Buffer.concat([Buffer.from('\x05READY\x0bSocket-Type', 'latin1'), value, Buffer.from(type)])));
    const { flags, body } = await readFrame(LONG | COMMAND);
    if ((flags & COMMAND) === 0 || body.toString('latin1', 0, 6) !== '\x05READY') breakOff('no READY');
    const name = body.indexOf('\x0bSocket-Type', 6, 'latin1');
    if (name < 0) breakOff('no Socket-Type');
    const length = body.readUInt32BE(name + 12);
    process.send({ ready: body.toString('latin1', name + 16, name + 16 + length) });
    // RFC 23 has no command that may come after READY but ERROR, which nobody has reason to send here.
    return MORE | LONG;
  }

  (async () => {
    const known = version === '2.0' ? await greet2() : await greet3();
    process.on('message', ({ send }) => {
      for (const [index, hex] of send.entries()) socket.write(frame(index < send.length - 1 ? MORE : 0, Buffer.from(hex, 'hex')));
    });
    for (;;) {
      const message = [];
      for (let more = true; more; ) {
        const { flags, body } = await readFrame(known);
        message.push(body.toString('hex'));
        more = (flags & MORE) !== 0;
      }
      process.send({ message });
    }
  })();
}

process.once('disconnect', () => process.exit());
if (way === 'connect') talk(net.connect(Number(portText), '127.0.0.1'));
else {
  const server = net.createServer((socket) => {
    server.close();
    talk(socket);
  });
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
}
