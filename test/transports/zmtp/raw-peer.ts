import net from 'node:net';
import { encodeCommand, encodeMetadata } from '../../../src/transports/zmtp/command.js';
import { encodeGreetingRest, encodeSignature } from '../../../src/transports/zmtp/greeting.js';

/** Opens a plain stream to `tcp://host:port`. */
export function openStream(address: string): net.Socket {
  const { hostname, port } = new URL(address.replace('tcp:', 'http:'));
  const socket = net.connect(Number(port), hostname);
  socket.on('error', () => {});
  return socket;
}

/** Greeting and READY of a peer of that type. */
export function opening(type: string, minor = 1): Buffer {
  return Buffer.concat([
    encodeSignature(),
    encodeGreetingRest('NULL', false, minor),
    encodeCommand('READY', encodeMetadata([['Socket-Type', Buffer.from(type)]])),
  ]);
}
