/** ZeroMQ for source and sink `zmq`, by one of two drivers. Each is loaded at its first use. */
import type { ZmqReader, ZmqReaderOptions, ZmqWriter, ZmqWriterOptions } from './zmq-driver.js';

/** @throws ERR_OPTIONAL_MISSING, ERR_SOURCE when an endpoint is not to be had. */
export async function openZmqReader(options: ZmqReaderOptions): Promise<ZmqReader> {
  if (options.driver === 'libzmq') return (await import('./zmq-libzmq.js')).openLibzmqReader(options);
  return (await import('./zmq-zmtp-reader.js')).openZmtpReader(options);
}

/** @throws ERR_OPTIONAL_MISSING, ERR_SINK when an endpoint is not to be had. */
export async function openZmqWriter(options: ZmqWriterOptions): Promise<ZmqWriter> {
  if (options.driver === 'libzmq') return (await import('./zmq-libzmq.js')).openLibzmqWriter(options);
  return (await import('./zmq-zmtp-writer.js')).openZmtpWriter(options);
}
