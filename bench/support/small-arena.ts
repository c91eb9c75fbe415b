import { createArena } from '../../src/memory/arena.js';
import { formatArena } from '../../src/plan/format-arena.js';
import { plan as makePlan } from '../../src/plan/plan.js';
import type { Plan } from '../../src/plan/plan-types.js';
import { BANK, CONTROL, LINE, SOURCE } from '../../src/ring/ring-layout.js';
import { loadRing, type RingOperations } from '../../src/ring/ring-operations.js';
import { type OperatorOptions, pipeline } from '../../src/run/builder.js';

export interface SmallArena {
  readonly memory: WebAssembly.Memory;
  readonly plan: Plan;
}

export interface StageOfArena {
  readonly operators: readonly OperatorOptions[];
  readonly baseDir: string;
}

const MAX_SIDE = 1024;

/** Rows and columns of a uint8 frame of so many bytes. */
export const shapeOf = (bytes: number): [number, number] => [Math.ceil(bytes / MAX_SIDE), Math.min(bytes, MAX_SIDE)];

/** An arena for one source (thread 0) and one sink (the last thread), with a stage between them if one is given. No thread runs. */
export async function smallArena(
  frameBytes: number,
  slots: number,
  stage?: StageOfArena,
  parcel?: { readonly bytes: number },
): Promise<SmallArena> {
  const builder = pipeline('bench').source('in', {
    type: 'sim',
    shape: shapeOf(frameBytes),
    dtype: 'uint8',
    pattern: 'noise',
    slots,
    ...(parcel ? { parcel } : {}),
  });
  if (stage) builder.stage('stage', { from: 'in', capacity: slots, operators: stage.operators, slots });
  builder.sink('out', { type: 'null', from: stage ? 'stage' : 'in', capacity: slots });
  const { plan, tables } = await makePlan(builder.spec(stage ? { baseDir: stage.baseDir } : {}));
  const memory = createArena(plan.bytes);
  formatArena(memory, plan);
  const bytes = new Uint8Array(memory.buffer);
  for (const { address, array } of tables) bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), address);
  return { memory, plan };
}

/** The ring operations of a thread that counts in its own line, or, as an ingress, in the ledger of its source. */
export function attachRing({ memory, plan }: SmallArena, thread: number, asIngress = false): RingOperations {
  const ring = loadRing(memory);
  const { line } = plan.threads[thread]!;
  const banks = asIngress ? plan.sources[0]!.block + SOURCE.banks : line + LINE.banks;
  const bankBytes = asIngress ? SOURCE.bankBytes : BANK.bytes;
  ring.attach(thread, line, CONTROL.gate, plan.headers, plan.stride, plan.sourceBlocks, banks, bankBytes, 0);
  return ring;
}
