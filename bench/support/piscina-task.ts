/** What one task of a pool does with a frame: looks at its first byte. */
export default function task({ memory, offset }: { memory: SharedArrayBuffer; offset: number; bytes: number }): number {
  return new Uint8Array(memory, offset, 1)[0]!;
}
