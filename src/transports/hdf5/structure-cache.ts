/** Keeps the last structures of a chunk index that were read, by address. */
export class StructureCache<T> {
  readonly #limit: number;
  readonly #kept = new Map<number, T>();

  constructor(limit = 64) {
    this.#limit = limit;
  }

  get(address: number, read: () => T): T {
    const known = this.#kept.get(address);
    if (known !== undefined) return known;
    const value = read();
    if (this.#kept.size >= this.#limit) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(address, value);
    return value;
  }
}
