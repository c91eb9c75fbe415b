/**
 * A `WebAssembly.Memory`, as far as it is used here. That name is declared by the types of a browser alone, which a program
 * for Node does without; a `WebAssembly.Memory` is one of these, and one of these can be imported by a module.
 */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
