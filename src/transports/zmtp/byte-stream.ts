import net from 'node:net';

/** The owner of the memory into which a socket is read. */
export interface StreamReader {
  /** Where the next bytes go; asked once before each read. Never empty. */
  next(): Buffer;
  /** `countBytes` came into `memory`. False stops the reading until `resume()` of the socket. */
  read(countBytes: number, memory: Buffer): boolean;
}

/** What Node keeps inside a socket and gives to none but its own classes. */
interface HandleHolder {
  _handle: { useUserBuffer?: unknown } | null;
}

/** A connecting socket that the kernel reads straight into the reader's memory. */
export function connectStream(options: net.NetConnectOpts, reader: StreamReader): net.Socket {
  return net.connect({ ...options, onread: onread(reader) } as net.NetConnectOpts);
}

/**
 * The same for an accepted socket, which must come from a server with `pauseOnConnect`, so that nothing was read from
 * it. Node takes `onread` when a socket is created, and servers do not pass it on: a second socket is created around
 * the handle. If the handle is unavailable, the bytes are copied from Node's own buffers instead.
 */
export function adoptStream(accepted: net.Socket, reader: StreamReader, copying = false): net.Socket {
  const holder = accepted as unknown as HandleHolder;
  const handle = holder._handle;
  if (copying || handle === null || handle === undefined || typeof handle.useUserBuffer !== 'function') return copyStream(accepted, reader);
  holder._handle = null;
  // Without its handle, the first socket only reports its end to its server.
  accepted.destroy();
  return new net.Socket({ handle, onread: onread(reader) } as net.SocketConstructorOpts);
}

function onread(reader: StreamReader): { buffer: () => Uint8Array; callback: (countBytes: number, memory: Uint8Array) => boolean } {
  return { buffer: () => reader.next(), callback: (countBytes, memory) => reader.read(countBytes, memory as Buffer) };
}

function copyStream(socket: net.Socket, reader: StreamReader): net.Socket {
  socket.on('data', (data: Buffer) => {
    let offset = 0;
    let more = true;
    while (offset < data.length) {
      const memory = reader.next();
      const count = data.copy(memory, 0, offset);
      offset += count;
      more = reader.read(count, memory);
    }
    if (!more) socket.pause();
  });
  socket.resume();
  return socket;
}
