import { SILENT } from '../../src/errors/logger.js';
import { dtypeCode, dtypeOf, typedView } from '../../src/frame/dtype.js';
import type { Frame, MutableFrame } from '../../src/frame/frame.js';
import { integrateAzimuthal } from '../../src/operators/integrate-azimuthal.js';
import type { Emitter, SharedTable } from '../../src/operators/operator.js';

export const SHAPE = [2048, 2048] as const;
export const PIXELS = SHAPE[0] * SHAPE[1];
export const BINS = 1000;
/** Of the frames that take turns. */
export const SEEDS: readonly number[] = [1, 2];
/** What the operator is given, in the pipeline and in the bare loop. */
export const PARAMETERS = {
  geometry: { distance: 0.2, poni1: 0.0768, poni2: 0.0768, pixel1: 75e-6, pixel2: 75e-6, wavelength: 1e-10 },
  bins: BINS,
  polarization: 0.99,
  shape: SHAPE,
};

/** Counts of 0 to 255, from a linear congruential generator (Numerical Recipes, 2nd ed., ranqd1). */
export function drawFrame(seed: number): Uint16Array {
  const frame = new Uint16Array(PIXELS);
  let state = seed;
  for (let i = 0; i < PIXELS; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    frame[i] = state >>> 24;
  }
  return frame;
}

export interface Integration {
  readonly memory: WebAssembly.Memory;
  /** Where the frames stand, each 2048×2048 uint16. */
  readonly addresses: readonly number[];
  readonly constants: Readonly<Record<string, SharedTable>>;
  readonly scratch: number;
  /** Runs the operator on frame i. Returns the profile, valid until the next call. */
  process(i: number): Float64Array;
}

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** The operator alone, in memory of its own, over the given frames: no thread, no ring. */
export async function integration(frames: readonly Uint16Array[]): Promise<Integration> {
  const prepare = { baseDir: '.', shape: SHAPE, dtype: 'uint16', maxInputBytes: 2 * PIXELS, folded: [] } as const;
  const prepared = (await integrateAzimuthal.prepare!(PARAMETERS, prepare)) ?? {};
  const tables = Object.entries(prepared.constants ?? {});
  const needed =
    tables.reduce((sum, [, table]) => sum + align(table.byteLength), 0) + align(prepared.scratchBytes!) + frames.length * 2 * PIXELS;
  const pages = Math.ceil((needed + 65536) / 65536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  let at = 64;
  const take = (bytes: number): number => {
    const address = at;
    at += align(bytes);
    return address;
  };
  const place = (table: (typeof tables)[number][1]): SharedTable => {
    const address = take(table.byteLength);
    const array = typedView(dtypeOf(table), memory.buffer, address, table.length);
    new Uint8Array(memory.buffer).set(new Uint8Array(table.buffer, table.byteOffset, table.byteLength), address);
    return { address, array };
  };
  const constants = Object.fromEntries(tables.map(([name, table]) => [name, place(table)]));
  const placed = frames.map(place);
  const scratch = { address: take(prepared.scratchBytes!), bytes: prepared.scratchBytes! };
  const operator = integrateAzimuthal.create(
    PARAMETERS,
    { memory, constants, scratch, partial: { address: 0, bytes: 0, data: new Uint8Array(0) }, worker: 0, log: SILENT },
    prepared,
  );
  const profile = new Float64Array(3 * BINS);
  const out: Emitter = { emit: () => {}, create: () => ({ data: profile }) as unknown as MutableFrame };
  const inputs = placed.map(({ address, array }) => ({ shape: SHAPE, dtype: 'uint16', data: array, address }) as unknown as Frame);
  const process = (i: number): Float64Array => {
    void operator.process(inputs[i % inputs.length]!, out);
    return profile;
  };
  return { memory, addresses: placed.map(({ address }) => address), constants, scratch: scratch.address, process };
}

export const UINT16 = dtypeCode('uint16');
