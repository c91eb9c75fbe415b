import type { FrameView } from '../frame/frame-view.js';
import type { PartialView } from '../operators/operator.js';
import type { StageNode } from '../pipeline/plan-types.js';
import { LEDGER, LINE, SOURCE } from '../ring/ring-layout.js';
import type { Attachment } from './attachment.js';
import { BOOK, BOOK_BANK, PartialBooks } from './partial-books.js';

const NONE = -1;

/**
 * The partials that one worker of a stage fills, and its book of them (`partial-books.ts`). One frame is under way at a
 * time: `start`, for each frame that the operator takes `open` and `took`, at the end of a stretch `parts`, then `fill` before the commit.
 */
export class WorkerPartials implements PartialView {
  address = 0;
  readonly bytes: number;
  data: Uint8Array = new Uint8Array(0);
  readonly #attachment: Attachment;
  readonly #books: PartialBooks;
  readonly #worker: number;
  readonly #regions: readonly Uint8Array[];
  #stretch = 0;
  #ends = false;
  /** The part that the frames under way go into. */
  #part = NONE;
  /** Frames of the reference under way that stand in it. */
  #taken = 0;
  /** The part holds frames of a run that failed: nothing in it can be used. */
  #isSpoilt = false;

  constructor(attachment: Attachment, stage: StageNode, worker: number) {
    this.#attachment = attachment;
    this.#books = new PartialBooks(attachment.arena.words, attachment.plan, stage);
    this.#worker = worker;
    const { parts, bytes } = this.#books.plan;
    this.bytes = bytes;
    this.#regions = parts.map((address) => new Uint8Array(attachment.arena.buffer, address, bytes));
    this.#choose(worker);
  }

  #choose(part: number): void {
    this.address = this.#books.plan.parts[part]!;
    this.data = this.#regions[part]!;
  }

  /** A reference whose last frame is `last` comes, or comes again after a failure. */
  start(last: FrameView): void {
    // No frame comes while an end is under way, and no end while a frame is: the count stands still until this is settled.
    this.#ends = last.ends;
    this.#stretch = (this.#endsSent() - (last.ends ? 1 : 0)) | 0;
    this.#taken = 0;
    if (!this.#isSpoilt) this.#part = NONE;
  }

  #endsSent(): number {
    const source = this.#attachment.plan.sources[this.#books.plan.source]!;
    const { line } = this.#attachment.plan.threads[source.thread]!;
    const record = Atomics.load(this.#attachment.arena.words, (line + LINE.record) >>> 2); // acquires: the bank
    return this.#attachment.word(source.block + SOURCE.banks + ((record >>> 1) & 1) * SOURCE.bankBytes + 4 * LEDGER.ends);
  }

  /** The operator is about to take a frame: chooses the part, and clears it where it holds nothing of this stretch. */
  open(frame: FrameView): void {
    const { plan } = this.#books;
    const part = plan.shards > 0 ? (frame.ordinal >>> 0) % plan.shards : this.#worker;
    if (this.#part === NONE || this.#isSpoilt) {
      this.#markDirty(part);
      if (this.#isSpoilt ? this.#taken === 0 : this.#books.held(part, this.#stretch) === 0) this.#regions[part]!.fill(0);
      this.#part = part;
      this.#choose(part);
    }
  }

  #markDirty(part: number): void {
    const { arena, line } = this.#attachment;
    const book = this.#books.plan.books[this.#worker]!;
    this.#attachment.setWord(book + BOOK.dirtyPart, part);
    const record = this.#attachment.word(line + LINE.record);
    Atomics.store(arena.words, (book + BOOK.dirty) >>> 2, (record & ~1) | 1); // publishes: the part will change
  }

  took(): void {
    this.#taken++;
  }

  /** The run failed and comes again, or never. */
  discard(): void {
    if (this.#taken > 0) this.#isSpoilt = true;
  }

  /** What is to be merged now that the stretch is over: the parts that hold something of it, in order. */
  parts(): readonly Uint8Array[] {
    return this.#regions.filter((_, part) => (part === this.#part && this.#taken > 0) || this.#isHeld(part));
  }

  #isHeld(part: number): boolean {
    return !(this.#isSpoilt && part === this.#part) && this.#books.held(part, this.#stretch) > 0;
  }

  /** Writes the bank that the commit that follows makes the live one. */
  fill(failed: boolean): void {
    const books = this.#books;
    const { bankBytes, parts } = books.plan;
    const live = books.bank(this.#worker);
    const idle = books.bank(this.#worker, 1);
    for (let word = 0; word < bankBytes; word += 4) books.setWord(idle + word, books.word(live + word));
    let lost = 0;
    if (this.#part !== NONE && (this.#isSpoilt || (this.#taken > 0 && !failed))) {
      const entry = books.entry(this.#part, idle);
      const before = this.#isSpoilt ? 0 : books.held(this.#part, this.#stretch);
      lost += books.held(this.#part) - (books.held(this.#part, this.#stretch) > 0 ? before : 0);
      books.setWord(entry + BOOK_BANK.held, before + (this.#taken > 0 && !failed && !this.#ends ? 1 : 0));
      books.setWord(entry + BOOK_BANK.stretch, this.#stretch);
    }
    if (this.#ends) {
      // A stretch whose end failed has no result.
      if (failed) {
        for (let part = 0; part < parts.length; part++) if (part !== this.#part || !this.#isSpoilt) lost += books.held(part);
      }
      books.setWord(idle + BOOK_BANK.merged, (this.#stretch + 1) | 0);
    }
    books.setWord(idle + BOOK_BANK.lost, (books.word(idle + BOOK_BANK.lost) + lost) | 0);
    this.#isSpoilt = false;
    this.#part = NONE;
  }
}
