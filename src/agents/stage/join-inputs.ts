import type { FrameView } from '../../frame/frame-view.js';
import { OUTCOME } from '../../observe/outcome.js';
import type { JoinParams } from '../../operators/join.js';
import type { EdgePlan, StageNode } from '../../plan/plan-types.js';
import { EMPTY, GATE_CLOSED } from '../../ring/ring-layout.js';
import type { Attachment } from '../thread/attachment.js';
import { readChain } from '../thread/commit-outputs.js';
import { arrayAddress, newestIn, nextOf } from './array-reader.js';
import { Arrivals } from './arrivals.js';
import { isEarlier, type JoinKey, meets } from './join-key.js';

/** What comes next on the inputs. */
const NOTHING = 0;
const EVENT = 1;
/**
 * The first input's frame continues alone: it only carries the end of its series, or it is the last of one and has no
 * partner.
 */
const ALONE = 2;
/** Something was ended: look again. */
const AGAIN = 3;

/** One entry of `from`: an ordered edge that carries the frames of one source. */
interface Input {
  readonly edge: EdgePlan;
  readonly source: number;
  readonly array: number;
  /** The frame at the head, held, and what is chained behind it; EMPTY: none. */
  reference: number;
  readonly frames: FrameView[];
  /** Since when the head has been here, as far as observed. */
  sinceUs: number;
  readonly arrivals: Arrivals;
  /** Without a head: ordinals below this one will not come, and none at all where the edge is closed. */
  next: number;
  isOver: boolean;
}

/**
 * The inputs of a stage that joins: a merge of streams that rise, of each of which only the head is held. Frames that meet
 * are an event; the earliest that has no partner and cannot get one any more is dropped as `unmatched`. A partner of the
 * same source cannot come once its array has passed the ordinal; one of another source once a later frame is here, the
 * edge is closed, or `waitMs` are over. Where several pairings are possible, the earliest is taken: no other one makes
 * more events of two streams.
 *
 * Heads are held references of this thread: when it dies, they go to the lanes of their edges.
 */
export class JoinInputs {
  readonly #attachment: Attachment;
  readonly #inputs: readonly Input[];
  readonly #by: JoinParams['by'];
  #tolerance = 0;
  #waitUs = 0;
  #isUnmatched = false;
  #isAlone = false;

  constructor(attachment: Attachment, stage: StageNode) {
    const params = stage.operators[0]!.params as unknown as JoinParams;
    this.#attachment = attachment;
    this.#by = params.by;
    this.#inputs = attachment.edgesRead().map((edge) => {
      const source = edge.leaves.findIndex((leaves) => leaves.some((mask) => mask !== 0));
      return {
        edge,
        source,
        array: arrayAddress(edge, source),
        reference: EMPTY,
        frames: [],
        sinceUs: 0,
        arrivals: new Arrivals(0),
        next: 0,
        isOver: false,
      };
    });
    this.use(params);
  }

  /** Tolerance and wait, for all that is decided from now on, of the heads that are held too. */
  use({ toleranceMs = 0, waitMs = 1000 }: JoinParams): void {
    this.#tolerance = toleranceMs / 1e3;
    this.#waitUs = waitMs * 1e3;
    for (const { arrivals } of this.#inputs) arrivals.waitUs = this.#waitUs;
  }

  /** Nothing comes on any input; what `take` then does not find is not there. */
  get closed(): boolean {
    return this.#inputs.every(({ edge }) => this.#attachment.isClosed(edge));
  }

  /** The reference of the next event's first frame, EMPTY while there is none, or GATE_CLOSED. `hand` must follow. */
  take(): number {
    for (;;) {
      if (this.#fill() === GATE_CLOSED) return GATE_CLOSED;
      const found = this.#decide();
      if (found === NOTHING) return EMPTY;
      if (found === AGAIN) continue;
      this.#isAlone = found === ALONE;
      return this.#inputs[0]!.reference;
    }
  }

  /** Whether the frame that was handed over last has no partner. */
  get isUnmatched(): boolean {
    return this.#isUnmatched;
  }

  /**
   * Passes the result of `take` to the caller, which now holds it: the frames of the first input, all frames of the
   * event as `joined` of the first of them, and the references of the other inputs.
   */
  hand(frames: FrameView[], joined: FrameView[], partners: number[]): void {
    frames.length = 0;
    joined.length = 0;
    partners.length = 0;
    for (const [i, input] of this.#inputs.entries()) {
      if (i > 0 && this.#isAlone) break;
      for (const frame of input.frames) {
        if (i === 0) frames.push(frame);
        if (!this.#isAlone) joined.push(frame);
      }
      if (i > 0) partners.push(input.reference);
      input.reference = EMPTY;
    }
    const [head] = frames;
    this.#isUnmatched = this.#isAlone && !head!.empty;
    if (!this.#isAlone) head!.joined = joined;
  }

  /** The leaves that end with a partner, by its place among the partners. */
  partnerLeaves(partner: number, reference: number): number {
    const { edge, source } = this.#inputs[partner + 1]!;
    return edge.leaves[source]![reference >>> 24]!;
  }

  #fill(): number {
    const { ring, arena } = this.#attachment;
    for (const input of this.#inputs) {
      if (input.reference !== EMPTY) continue;
      const isClosed = this.#attachment.isClosed(input.edge);
      const reference = ring.take(input.edge.ring, input.source);
      if (reference === GATE_CLOSED) return GATE_CLOSED;
      if (reference === EMPTY) {
        input.isOver = isClosed;
        input.next = nextOf(arena.words, input.array);
        continue;
      }
      input.reference = reference;
      const { ordinal } = readChain(this.#attachment, reference, input.frames)[0]!;
      input.sinceUs = input.arrivals.sinceUs(ordinal, this.#attachment.nowUs());
    }
    return 0;
  }

  #decide(): number {
    const inputs = this.#inputs;
    for (let i = 0; i < inputs.length; i++) {
      const input = inputs[i]!;
      if (input.reference === EMPTY || !input.frames[0]!.empty) continue;
      // No other frame of its source is in flight: its end needs no partner, and among branches the first input's end
      // counts for all.
      if (i === 0) return ALONE;
      this.#drop(input, OUTCOME.merged);
      return AGAIN;
    }
    let least = -1;
    for (let i = 0; i < inputs.length; i++) {
      if (inputs[i]!.reference === EMPTY) continue;
      if (this.#by === 'timestamp' && Number.isNaN(this.#key(i).timestamp)) return this.#unmatched(i);
      if (least < 0 || isEarlier(this.#by, this.#key(i), this.#key(least))) least = i;
    }
    if (least < 0) return NOTHING;
    let isComplete = true;
    for (let i = 0; i < inputs.length; i++) {
      if (inputs[i]!.reference === EMPTY ? this.#mayCome(i, least) : this.#meets(i, least)) {
        if (inputs[i]!.reference === EMPTY) isComplete = false;
        continue;
      }
      return this.#unmatched(least);
    }
    return isComplete ? EVENT : NOTHING;
  }

  #key(i: number): JoinKey {
    return this.#inputs[i]!.frames[0]!;
  }

  #meets(i: number, least: number): boolean {
    return i === least || meets(this.#by, this.#key(least), this.#key(i), this.#tolerance);
  }

  /** Whether what meets the earliest head can still come on an input that has none. */
  #mayCome(i: number, least: number): boolean {
    const input = this.#inputs[i]!;
    if (input.isOver) return false;
    const nowUs = this.#attachment.nowUs();
    let sinceUs = nowUs;
    for (let k = 0; k < this.#inputs.length; k++) {
      const other = this.#inputs[k]!;
      if (other.reference === EMPTY || !this.#meets(k, least)) continue;
      if (other.source === input.source) return ((input.next - other.frames[0]!.ordinal) | 0) <= 0;
      // What waits behind the head: when its turn comes, it has waited too.
      if (other.arrivals.isDue(nowUs))
        other.arrivals.note(newestIn(this.#attachment.arena.words, other.edge, other.array, other.frames[0]!.ordinal), nowUs);
      sinceUs = Math.min(sinceUs, other.sinceUs);
    }
    return nowUs - sinceUs < this.#waitUs;
  }

  /** Drops the earliest head and the heads that match it; the last frame of a series continues as its end. */
  #unmatched(least: number): number {
    let found = AGAIN;
    let meeting = 0;
    for (let i = 0; i < this.#inputs.length; i++) if (this.#inputs[i]!.reference !== EMPTY && this.#meets(i, least)) meeting |= 1 << i;
    for (let i = 0; i < this.#inputs.length; i++) {
      if (((meeting >>> i) & 1) === 0) continue;
      const input = this.#inputs[i]!;
      if (i === 0 && input.frames[input.frames.length - 1]!.ends) found = ALONE;
      else this.#drop(input, OUTCOME.unmatched);
    }
    return found;
  }

  #drop(input: Input, code: number): void {
    this.#attachment.gated.dropHeld(input.edge.ring, input.reference, code);
    input.reference = EMPTY;
  }
}
