/** First in, first out, without moving the elements. */
export class Deque<T> {
  #items: (T | undefined)[] = new Array(16);
  #head = 0;
  length = 0;

  push(item: T): void {
    const size = this.#items.length;
    if (this.length === size) {
      const grown: (T | undefined)[] = new Array(size * 2);
      for (let index = 0; index < size; index++) grown[index] = this.#items[(this.#head + index) & (size - 1)];
      this.#items = grown;
      this.#head = 0;
    }
    this.#items[(this.#head + this.length) & (this.#items.length - 1)] = item;
    this.length += 1;
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.length -= 1;
    return item;
  }
}
