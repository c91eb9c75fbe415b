import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { checkCounter } from '../../src/ingress/sim/counter.js';
import { type MillraceResult, MillraceRun } from './run-millrace.js';
import { freePort } from './servers/server-process.js';
import { isFull } from './test-size.js';

/** All frames where the machine is ours, a fifth where somebody waits. */
export const FRAMES = isFull ? 10_000 : 2000;

const SHAPE = [16, 24];
const PATIENCE_MS = 120_000;

export interface Happening {
  /** Happens as soon as this share of the frames is delivered. */
  readonly atShare: number;
  act(): Promise<void>;
}

/**
 * FRAMES frames that prove themselves (number and FNV-1a in the payload), paced to take `seconds`, through two workers
 * that run a module of the user's, to `sink`. What is to happen meanwhile happens in its order.
 */
export async function runCounterPipeline(sink: object, seconds: number, happenings: readonly Happening[] = []): Promise<MillraceResult> {
  const millrace = new MillraceRun();
  writeFileSync(join(millrace.folder, 'pass.mjs'), 'export default () => ({ process(frame, out) { out.emit(frame); } });\n');
  const port = await freePort();
  try {
    const ended = millrace.run({
      version: 1,
      metrics: { port },
      sources: { detector: { type: 'sim', pattern: 'counter', shape: SHAPE, frames: FRAMES, rate: FRAMES / seconds, seed: 11 } },
      stages: { pass: { from: 'detector', workers: 2, operators: [{ type: './pass.mjs' }] } },
      sinks: { out: { from: 'pass', ...sink } },
    });
    for (const { atShare, act } of happenings) {
      await Promise.race([untilDelivered(port, FRAMES * atShare), ended.then(tooEarly)]);
      await act();
    }
    return await ended;
  } finally {
    millrace.dispose();
  }
}

/** Every frame settled as delivered, nothing else. */
export function expectAllDelivered({ exitCode, report, stderr }: MillraceResult): void {
  expect(exitCode, stderr).toBe(0);
  expect(report).toMatchObject({ ok: true, balanced: true, sinks: { out: { delivered: FRAMES, refused: 0 } } });
  expect(report.sources.detector).toMatchObject({
    ledger: { received: FRAMES, delivered: FRAMES, merged: 0, filtered: 0, dropped: {}, dead: {}, inFlight: 0 },
    verdict: { state: 'complete' },
  });
  expect(report.stages.pass!.frames).toBe(FRAMES);
}

/** What a client read back: the header of array-1.0 and the bytes of each frame, all of them, once, in order and intact. */
export function expectAllInOrder(found: readonly { readonly meta: string; readonly data: Buffer }[]): void {
  expect(found).toHaveLength(FRAMES);
  for (const [ordinal, { meta, data }] of found.entries()) {
    const header = JSON.parse(meta);
    if (header.frame !== ordinal || data.byteLength !== 2 * SHAPE[0]! * SHAPE[1]!) expect({ ordinal, header, data }).toBe('in order');
    const verdict = checkCounter(data);
    if (!verdict.intact || verdict.number !== ordinal) expect({ ordinal, verdict }).toBe('intact');
  }
  expect(JSON.parse(found[0]!.meta)).toMatchObject({ htype: 'array-1.0', shape: SHAPE, type: 'uint16', frame: 0 });
}

async function untilDelivered(metricsPort: number, frames: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (; performance.now() < deadline; await delay(20)) {
    const text = await fetch(`http://127.0.0.1:${metricsPort}/metrics`).then(
      (response) => response.text(),
      () => '',
    );
    const delivered = /^millrace_sink_delivered_frames_total\{.*\} (\d+)$/m.exec(text)?.[1];
    if (Number(delivered) >= frames) return;
  }
  throw new Error(`${frames} frames were not delivered in ${PATIENCE_MS} ms`);
}

function tooEarly({ exitCode, stderr }: MillraceResult): never {
  throw new Error(`the run ended before what was to happen had happened; exit ${exitCode}: ${stderr}`);
}
