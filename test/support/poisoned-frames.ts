import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '../../src/codecs/codec.js';
import type { Egress, EgressContext } from '../../src/egress/egress.js';
import type { Logger } from '../../src/errors/logger.js';
import type { DType } from '../../src/frame/dtype.js';
import type { Frame } from '../../src/frame/frame.js';

const POISON = 0xee;

/** What frame `ordinal` carries: a length and bytes that no other frame has (Knuth's multiplicative hash of the place). */
export function payloadOf(ordinal: number): Uint8Array {
  // Mostly short, sometimes past the buffers of a socket.
  const lengthBytes = ordinal % 97 === 5 ? 300_001 : 16 + ((ordinal * 131) % 3000);
  const payload = new Uint8Array(lengthBytes);
  for (let at = 0; at < lengthBytes; at++) payload[at] = Math.imul(ordinal * 65_537 + at, 2_654_435_761) >>> 24;
  return payload;
}

/** Frames in shared memory, as a sink sees them. */
export function sharedFrame(memory: SharedArrayBuffer, address: number, ordinal: number, payload: Uint8Array, source = 'detector'): Frame {
  const bytes = new Uint8Array(memory, address, payload.byteLength);
  bytes.set(payload);
  const dtype: DType = 'uint8';
  return {
    source,
    ordinal,
    sequence: ordinal + 1000,
    timestamp: 1_700_000_000 + ordinal / 8,
    shape: [payload.byteLength],
    dtype,
    data: bytes,
    bytes,
    address,
    meta: { series: 7 },
    parameters: '',
  };
}

export interface DriveOptions {
  readonly frames: number;
  readonly batch: number;
  /** Called and awaited before the batch that starts at or behind an ordinal, once each. */
  readonly at?: ReadonlyMap<number, () => void | Promise<void>>;
  /** Between two writes. */
  readonly pauseMs?: number;
}

/**
 * Writes frames 0 to n - 1 in batches of 1 to `batch`, all in one piece of memory that is overwritten as soon as each
 * write resolves. Returns the sums of what the sink said.
 */
export async function drive(
  egress: Egress,
  { frames, batch, at = new Map(), pauseMs }: DriveOptions,
): Promise<{ redelivered: number; refused: string[] }> {
  const memory = new SharedArrayBuffer(batch * 300_032);
  const everything = new Uint8Array(memory);
  const pending = new Map(at);
  const refused: string[] = [];
  let redelivered = 0;
  for (let next = 0; next < frames; ) {
    for (const [ordinal, act] of pending) {
      if (ordinal > next) continue;
      pending.delete(ordinal);
      await act();
    }
    const count = Math.min(1 + ((next * 7) % batch), frames - next);
    const written: Frame[] = [];
    let address = 0;
    for (let index = 0; index < count; index++) {
      const payload = payloadOf(next + index);
      written.push(sharedFrame(memory, address, next + index, payload));
      address += Math.ceil(payload.byteLength / 64) * 64;
    }
    const delivery = await egress.write(written);
    everything.fill(POISON, 0, address);
    redelivered += delivery?.redelivered ?? 0;
    for (const { reason } of delivery?.refused ?? []) refused.push(reason);
    next += count;
    if (pauseMs !== undefined) await delay(pauseMs);
  }
  return { redelivered, refused };
}

/** A context for a sink under test; `outageMs` and `lines` gather what it tells. */
export function egressContext(codec: Codec): EgressContext & { abort(): void; outageMs: number; readonly lines: string[] } {
  const controller = new AbortController();
  const lines: string[] = [];
  const note = (fields: object, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log: Logger = { debug: () => {}, info: note, warn: note, error: note };
  const context = {
    name: 'sink',
    codec,
    baseDir: '/',
    log,
    signal: controller.signal,
    lines,
    outageMs: 0,
    outage: (ms: number) => {
      context.outageMs += ms;
    },
    abort: () => controller.abort(),
  };
  return context;
}
