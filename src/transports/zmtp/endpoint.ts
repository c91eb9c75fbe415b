import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MillraceError } from '../../errors/errors.js';

export type Endpoint = TcpEndpoint | IpcEndpoint;

export interface TcpEndpoint {
  readonly kind: 'tcp';
  /** Without the brackets of IPv6. `*` only to bind. */
  readonly host: string;
  /** 0 for any free port, only to bind. */
  readonly port: number;
}

export interface IpcEndpoint {
  readonly kind: 'ipc';
  /** A path, or a zero byte and an abstract name (Linux). */
  readonly path: string;
}

// sun_path of Linux has 108 bytes with its closing zero.
const PATH_LIMIT_BYTES = 107;

/**
 * Reads `tcp://host:port` and `ipc://path`. A host is a name, an IPv4 address, an IPv6 address in brackets, or `*` to bind to every
 * IPv4 address; the port may be `*` or 0 to bind. `ipc://@name` is abstract, `ipc://*` binds to a new file in the temporary folder.
 * @throws ERR_ADDRESS
 */
export function parseEndpoint(address: string, purpose: 'bind' | 'connect'): Endpoint {
  if (address.startsWith('ipc://')) return parseIpc(address, purpose);
  const match = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:/[\]]+)):(\*|\d{1,5})$/.exec(address);
  if (match === null) throw wrong(address, 'tcp://host:port or ipc://path is needed');
  const [, bracketed, plain, portText] = match;
  if (bracketed !== undefined && net.isIPv6(bracketed) === false) throw wrong(address, 'the brackets contain no IPv6 address');
  const host = bracketed ?? plain!;
  const port = portText === '*' ? 0 : Number(portText);
  if (port > 65535) throw wrong(address, 'ports end at 65535');
  if (purpose === 'connect' && (port === 0 || host === '*')) throw wrong(address, 'a wildcard is only for binding');
  return { kind: 'tcp', host, port };
}

export function formatTcp(host: string, port: number): string {
  return `tcp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export function formatEndpoint(endpoint: Endpoint): string {
  if (endpoint.kind === 'tcp') return formatTcp(endpoint.host, endpoint.port);
  return `ipc://${endpoint.path.startsWith('\0') ? `@${endpoint.path.slice(1)}` : endpoint.path}`;
}

/** What `net.connect` takes. */
export function connectOptions(endpoint: Endpoint): net.NetConnectOpts {
  return endpoint.kind === 'tcp' ? { host: endpoint.host, port: endpoint.port } : { path: endpoint.path };
}

/** What `server.listen` takes. */
export function listenOptions(endpoint: Endpoint): net.ListenOptions {
  if (endpoint.kind === 'ipc') return { path: endpoint.path };
  return { host: endpoint.host === '*' ? '0.0.0.0' : endpoint.host, port: endpoint.port };
}

function parseIpc(address: string, purpose: 'bind' | 'connect'): IpcEndpoint {
  const name = address.slice('ipc://'.length);
  if (name === '' || name.includes('\0')) throw wrong(address, 'a path is needed');
  if (name === '*') {
    if (purpose === 'connect') throw wrong(address, 'a wildcard is only for binding');
    return { kind: 'ipc', path: join(tmpdir(), `millrace-${randomUUID()}.sock`) };
  }
  if (Buffer.byteLength(name) > PATH_LIMIT_BYTES) throw wrong(address, `a path has ${PATH_LIMIT_BYTES} bytes at most`);
  return { kind: 'ipc', path: name.startsWith('@') ? `\0${name.slice(1)}` : name };
}

function wrong(address: string, why: string): MillraceError {
  return new MillraceError('ERR_ADDRESS', `${JSON.stringify(address.slice(0, 200))}: ${why}`);
}
