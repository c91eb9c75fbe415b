/** Most ranges that a result names; beyond, the two that are nearest to each other become one. */
const MAX_RANGES = 16;

/** Which numbers a result holds: a sorted list of ranges, both ends included, of bounded length. */
export class NumberRanges {
  readonly #ranges: [first: number, last: number][] = [];

  get list(): readonly (readonly [first: number, last: number])[] {
    return this.#ranges;
  }

  clear(): void {
    this.#ranges.length = 0;
  }

  add(number: number): void {
    const last = this.#ranges[this.#ranges.length - 1];
    // Numbers mostly rise one by one, and then nothing is allocated.
    if (last && number === last[1] + 1) last[1] = number;
    else if (!last || number < last[0] || number > last[1]) this.addRange(number, number);
  }

  addRange(first: number, last: number): void {
    if (Number.isNaN(first) || Number.isNaN(last)) return;
    const ranges = this.#ranges;
    let at = ranges.findIndex((range) => range[1] + 1 >= first);
    if (at < 0) at = ranges.length;
    let end = at;
    let low = first;
    let high = last;
    for (; end < ranges.length && ranges[end]![0] <= last + 1; end++) {
      low = Math.min(low, ranges[end]![0]);
      high = Math.max(high, ranges[end]![1]);
    }
    ranges.splice(at, end - at, [low, high]);
    if (ranges.length > MAX_RANGES) this.#joinNearest();
  }

  addAll(other: NumberRanges): void {
    for (const [first, last] of other.#ranges) this.addRange(first, last);
  }

  copy(): [number, number][] {
    return this.#ranges.map(([first, last]) => [first, last]);
  }

  #joinNearest(): void {
    let nearest = 0;
    for (let i = 1; i + 1 < this.#ranges.length; i++) if (this.#gap(i) < this.#gap(nearest)) nearest = i;
    this.#ranges.splice(nearest, 2, [this.#ranges[nearest]![0], this.#ranges[nearest + 1]![1]]);
  }

  #gap(at: number): number {
    return this.#ranges[at + 1]![0] - this.#ranges[at]![1];
  }
}
