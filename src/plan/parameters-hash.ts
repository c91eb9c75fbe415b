import { createHash } from 'node:crypto';
import type { TypedArray } from '../frame/dtype.js';
import { sorted } from '../spec/spec-hash.js';

/** What decides how an operator treats a frame. */
export interface HashedOperator {
  readonly type: string;
  /** Of the code of a module (`modules/module-code.ts`); undefined for a built-in operator. */
  readonly code: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  readonly folded: readonly { readonly type: string; readonly params: Readonly<Record<string, unknown>> }[];
  readonly constants: Readonly<Record<string, TypedArray>>;
}

/** SHA-256 of type, code, parameters and tables: a file that changed under the same name gives another one. */
export function operatorHash({ type, code, params, folded, constants }: HashedOperator): Buffer {
  const hash = createHash('sha256').update(
    JSON.stringify(
      sorted({ type, ...(code ? { code } : {}), params, folded: folded.map((one) => ({ type: one.type, params: one.params })) }),
    ),
  );
  for (const name of Object.keys(constants).sort()) {
    const { buffer, byteOffset, byteLength } = constants[name]!;
    hash.update(`\n${name} ${byteLength}\n`).update(new Uint8Array(buffer, byteOffset, byteLength));
  }
  return hash.digest();
}

/** Of a stage, by the hashes of its operators: the first 16 hexadecimal digits; empty without operators. */
export function stageHash(operators: readonly Buffer[]): string {
  if (operators.length === 0) return '';
  return createHash('sha256').update(Buffer.concat(operators)).digest('hex').slice(0, 16);
}
