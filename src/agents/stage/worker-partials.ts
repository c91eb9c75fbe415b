import type { FrameView } from '../../frame/frame-view.js';
import { BOOK, BOOK_BANK, PartialBooks } from '../../plan/partial-books.js';
import type { PartialPlan, StageNode } from '../../plan/plan-types.js';
import { LEDGER, LINE, SOURCE } from '../../ring/ring-layout.js';
import type { Attachment } from '../thread/attachment.js';
import { NumberRanges } from '../thread/number-ranges.js';
import { shardOf } from '../thread/route-by-key.js';

const NONE = -1;

/**
 * The partials that one worker of a stage fills of the frames of one source, and its book of them (`partial-books.ts`). See
 * `stage-partials.ts` for the order of calls.
 */
export class WorkerPartials {
  readonly source: number;
  address = 0;
  data: Uint8Array = new Uint8Array(0);
  readonly #attachment: Attachment;
  readonly #books: PartialBooks;
  readonly #worker: number;
  readonly #regions: readonly Uint8Array[];
  #stretch = 0;
  #ends = false;
  /** The part that the frames under way go into. */
  #part = NONE;
  /** Frames of the current run in it. */
  #taken = 0;
  /** What the reference under way has brought into it: 1, or the records of a parcel. */
  #kept = 0;
  /** The part held frames of a run that failed: what was in it before the reference under way is void. */
  #isSpoilt = false;
  /** Records of the parcel under way that were kept, and are void too. */
  #spoilt = 0;
  /** Numbers of the frames that the reference under way has brought into the part. */
  #first = Number.POSITIVE_INFINITY;
  #last = Number.NEGATIVE_INFINITY;
  /** The end was met, and a result handed on. */
  #handedOn = false;

  constructor(attachment: Attachment, stage: StageNode, plan: PartialPlan, worker: number) {
    this.#attachment = attachment;
    this.#books = new PartialBooks(attachment.arena.words, attachment.plan, stage, plan);
    this.source = plan.source;
    this.#worker = worker;
    const { parts, bytes } = plan;
    this.#regions = parts.map((address) => new Uint8Array(attachment.arena.buffer, address, bytes));
    this.#choose(worker);
  }

  #choose(part: number): void {
    this.address = this.#books.plan.parts[part]!;
    this.data = this.#regions[part]!;
  }

  /** A frame or record comes, or comes again after a failure; `last`: the last one where a reference is several frames. */
  start(last: FrameView): void {
    // No frame arrives while an end is in progress, and no end while a frame is: the count is constant until this is
    // settled.
    this.#ends = last.ends;
    this.#stretch = (this.#endsSent() - (last.ends ? 1 : 0)) | 0;
    this.#taken = 0;
    this.#handedOn = false;
    if (!this.#isSpoilt && this.#kept === 0) this.#part = NONE;
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
    // All records of a parcel are of one block, and so of one part.
    if (this.#kept + this.#taken > 0) return;
    const part = plan.shards > 0 ? shardOf(frame, plan.shards, plan.byBlock) : this.#worker;
    this.#markDirty(part);
    if (this.#isSpoilt || this.#books.held(part, this.#stretch) === 0) this.#regions[part]!.fill(0);
    this.#part = part;
    this.#choose(part);
    this.#first = Number.POSITIVE_INFINITY;
    this.#last = Number.NEGATIVE_INFINITY;
  }

  #markDirty(part: number): void {
    const { arena, line } = this.#attachment;
    const book = this.#books.plan.books[this.#worker]!;
    this.#attachment.setWord(book + BOOK.dirtyPart, part);
    const record = this.#attachment.word(line + LINE.record);
    Atomics.store(arena.words, (book + BOOK.dirty) >>> 2, (record & ~1) | 1); // publishes: the part will change
  }

  took(sequence: number): void {
    this.#taken++;
    if (sequence < this.#first) this.#first = sequence;
    if (sequence > this.#last) this.#last = sequence;
  }

  /** The run succeeded: what it took counts as one, a frame or a record. */
  keep(): void {
    if (this.#taken > 0) this.#kept++;
    this.#taken = 0;
  }

  /** The run failed and comes again, or never. */
  discard(): void {
    if (this.#taken === 0) return;
    this.#isSpoilt = true;
    this.#spoilt += this.#kept;
    this.#kept = 0;
    this.#taken = 0;
  }

  /** The parts to merge at the end of the stretch: those that hold frames of it, in order. */
  parts(): readonly Uint8Array[] {
    return this.#regions.filter((_, part) => (part === this.#part && this.#taken > 0) || this.#isHeld(part));
  }

  #isHeld(part: number): boolean {
    return !(this.#isSpoilt && part === this.#part) && this.#books.held(part, this.#stretch) > 0;
  }

  /** The result of all parts is handed on: how many frames it holds, and which. What the end itself brought is no frame of the source's. */
  handOn(): { readonly frames: number; readonly numbers: NumberRanges } {
    const books = this.#books;
    const numbers = new NumberRanges();
    let frames = 0;
    for (let part = 0; part < books.plan.parts.length; part++) {
      if (!this.#isHeld(part)) continue;
      frames += books.held(part, this.#stretch);
      numbers.addRange(...books.numbers(part));
    }
    this.#handedOn = true;
    return { frames, numbers };
  }

  /** The commit that follows changes nothing here: the bank that it makes the live one says what this one says. Its address. */
  carry(): number {
    const books = this.#books;
    const live = books.bank(this.#worker);
    const idle = books.bank(this.#worker, 1);
    for (let word = 0; word < books.plan.bankBytes; word += 4) books.setWord(idle + word, books.word(live + word));
    return idle;
  }

  /** Writes the bank that the commit that follows makes the live one. Returns how many frames were lost. */
  fill(failed: boolean): number {
    if (!failed) this.keep();
    const books = this.#books;
    const { parts } = books.plan;
    const idle = this.carry();
    let lost = this.#spoilt;
    if (this.#part !== NONE && (this.#isSpoilt || this.#kept > 0)) {
      const entry = books.entry(this.#part, idle);
      const before = this.#isSpoilt ? 0 : books.held(this.#part, this.#stretch);
      const [first, last] = before > 0 ? books.numbers(this.#part) : [this.#first, this.#last];
      books.setNumbers(entry, Math.min(first, this.#first), Math.max(last, this.#last));
      lost += books.held(this.#part) - (books.held(this.#part, this.#stretch) > 0 ? before : 0);
      books.setWord(entry + BOOK_BANK.held, before + (this.#ends ? 0 : this.#kept));
      books.setWord(entry + BOOK_BANK.stretch, this.#stretch);
    }
    if (this.#ends) {
      // A stretch whose end failed has no result, nor has one of which the operator hands nothing on.
      const hasResult = !failed && this.#handedOn;
      let merged = 0;
      for (let part = 0; part < parts.length; part++) {
        if (part === this.#part && this.#isSpoilt) continue;
        const held = hasResult ? books.held(part, this.#stretch) : 0;
        merged += held;
        lost += Math.max(0, books.held(part) - held);
      }
      if (hasResult) {
        books.setWord(idle + BOOK_BANK.results, (books.word(idle + BOOK_BANK.results) + 1) | 0);
        books.setWord(idle + BOOK_BANK.frames, (books.word(idle + BOOK_BANK.frames) + merged) | 0);
      }
      books.setWord(idle + BOOK_BANK.merged, (this.#stretch + 1) | 0);
    }
    books.setWord(idle + BOOK_BANK.lost, (books.word(idle + BOOK_BANK.lost) + lost) | 0);
    this.#isSpoilt = false;
    this.#spoilt = 0;
    this.#kept = 0;
    this.#taken = 0;
    this.#part = NONE;
    return lost;
  }
}
