import { connect, createServer, type Socket } from 'node:net';

export interface Door {
  readonly port: number;
  /** How many answers were swallowed. */
  readonly swallowed: number;
  /** The next bytes from the server are not passed on; the connection that they were for is dropped instead. */
  swallowNextAnswer(): void;
  close(): void;
}

/** A port through which a server (`host:port`) is reached, and behind which an answer can be lost. */
export async function openDoor(target: string, port = 0): Promise<Door> {
  const [host, targetPort] = target.split(':') as [string, string];
  const sockets = new Set<Socket>();
  let swallow = false;
  let swallowed = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(targetPort), host);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
    }
    client.pipe(upstream);
    upstream.on('data', (answer) => {
      if (!swallow) {
        client.write(answer);
        return;
      }
      swallow = false;
      swallowed++;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    get swallowed() {
      return swallowed;
    },
    swallowNextAnswer: () => {
      swallow = true;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
