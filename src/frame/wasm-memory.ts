declare global {
  namespace WebAssembly {
    // Merges with the types of a browser where a program has them, and replaces them where it does not.
    interface Memory {}
  }
}

/** A `WebAssembly.Memory`, also for a program compiled without the types of a browser, which alone declare it. */
export type WasmMemory = WebAssembly.Memory & {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
};
