import type { SeriesReport } from '../observe/report.js';

/** Maximum closed series of a source to remember. */
const MAX_SERIES = 1000;

/** The closed series of a run, by source, and the iterators that follow them. */
export class SeriesLog {
  readonly #closed = new Map<string, SeriesReport[]>();
  readonly #listeners = new Set<(source: string, report: SeriesReport) => void>();

  get closed(): ReadonlyMap<string, readonly SeriesReport[]> {
    return this.#closed;
  }

  add(source: string, report: SeriesReport): void {
    const closed = this.#closed.get(source) ?? [];
    this.#closed.set(source, closed);
    closed.push(report);
    if (closed.length > MAX_SERIES) closed.shift();
    for (const listener of this.#listeners) listener(source, report);
  }

  /** The series of a source as they close from now on, until `end` resolves. */
  async *follow(source: string, end: Promise<unknown>): AsyncGenerator<SeriesReport, void, undefined> {
    const come: SeriesReport[] = [];
    let wake: () => void = () => {};
    let isOver = false;
    const listener = (name: string, report: SeriesReport): void => {
      if (name === source) come.push(report);
      wake();
    };
    this.#listeners.add(listener);
    void end.then(() => {
      isOver = true;
      wake();
    });
    try {
      for (;;) {
        for (let report = come.shift(); report; report = come.shift()) yield report;
        if (isOver) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#listeners.delete(listener);
    }
  }
}
