import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Agent, ENDED, TOOK, type Wait } from '../../../src/agents/thread/agent.js';
import type { Attachment } from '../../../src/agents/thread/attachment.js';
import { BELL } from '../../../src/ring/ring-layout.js';

/** An agent under the driver. The agents of one thread share its attachment. */
interface Actor {
  readonly name: string;
  readonly attachment: Attachment;
  readonly agent: Agent;
  /** Waits for a promise. */
  isPending: boolean;
  hasEnded: boolean;
  asleep: Sleep | undefined;
  readonly hand: Hand | undefined;
  /** It has taken something that it has not finished. */
  isInHand: boolean;
}

/** What an agent takes in hand: the bell of what it takes, and the ordinal of what it has taken and not committed. */
export interface Hand {
  readonly bell: number;
  ordinal(): number | undefined;
}

/** A wait that began: it ends when the thread's park word changes, or, without a bell, when any agent has moved. */
interface Sleep {
  readonly attachment: Attachment;
  readonly wait: Wait;
  readonly seen: number;
  readonly moves: number;
}

/** A sleep inside a promise that an agent returned. */
interface InnerSleep extends Sleep {
  readonly resolve: () => void;
}

/** A call of an asynchronous operator that has not settled. */
interface Call {
  readonly thread: number;
  readonly ordinal: number;
  readonly settle: () => void;
}

/** One thing that can move: an agent, the rest of a promise, or a call that settles. */
interface Move {
  readonly actor?: Actor;
  readonly inner?: InnerSleep;
  readonly call?: Call;
}

export interface DriverEvents {
  /** An agent threw, or its promise rejected. True: the driver goes on without the thread. */
  failed(thread: number, error: unknown): boolean;
  /** All agents of the thread have ended. */
  ended?(thread: number): void;
  /** Before a turn of the thread. */
  turn?(thread: number): void;
}

/**
 * Runs agents in one thread, in turns by a seeded die, each step by itself. An agent that waits sleeps as in park.ts and
 * without any time-out, so that a lost wake-up, or a lock, is a run in which nothing can move.
 */
export class SeededDriver {
  /** How often something moved. */
  moves = 0;
  /** The thread whose turn it is. */
  thread = -1;
  readonly #words: Int32Array;
  readonly #random: (n: number) => number;
  readonly #events: DriverEvents;
  #actors: Actor[] = [];
  #inner: InnerSleep[] = [];
  #calls: Call[] = [];

  constructor(words: Int32Array, random: (n: number) => number, events: DriverEvents) {
    this.#words = words;
    this.#random = random;
    this.#events = events;
  }

  add(name: string, attachment: Attachment, agent: Agent, hand?: Hand): void {
    this.#actors.push({ name, attachment, agent, hand, isPending: false, hasEnded: false, asleep: undefined, isInHand: false });
  }

  /** The thread is dead, or was stopped: whatever it waited for, it does not go on. */
  remove(thread: number): void {
    this.#actors = this.#actors.filter(({ attachment }) => attachment.thread !== thread);
    this.#inner = this.#inner.filter(({ attachment }) => attachment.thread !== thread);
    this.#calls = this.#calls.filter((call) => call.thread !== thread);
  }

  /** In place of `Attachment.sleep`. */
  sleep(attachment: Attachment, wait: Wait): Promise<void> {
    const sleep = this.#fallAsleep(attachment, wait);
    if (!sleep) return Promise.resolve();
    return new Promise((resolve) => {
      this.#inner.push({ ...sleep, resolve });
    });
  }

  /** An asynchronous operator was called: it settles when the die says so. */
  call(ordinal: number): Promise<void> {
    const { thread } = this;
    return new Promise((settle) => {
      this.#calls.push({ thread, ordinal, settle });
    });
  }

  /** Whether every agent has ended. */
  get hasEnded(): boolean {
    return this.#actors.every(({ hasEnded }) => hasEnded);
  }

  /** One turn; false: nothing can move. `holdLowest`: what has the lowest ordinal in hand does not move as long as something else can. */
  async turn(holdLowest = false): Promise<boolean> {
    const moves = this.#movable();
    if (moves.length === 0) return false;
    const held = holdLowest ? this.#lowestHeld() : undefined;
    const others = held ? moves.filter((move) => move.actor !== held.actor || move.call !== held.call) : moves;
    const from = others.length > 0 ? others : moves;
    await this.#make(from[this.#random(from.length)]!);
    return true;
  }

  /** Wakes agents that sleep: what they wait for may have come with time. */
  wake(which: (thread: number) => boolean): number {
    let woken = 0;
    for (const actor of this.#actors) {
      if (!actor.asleep || !which(actor.attachment.thread)) continue;
      this.#end(actor.asleep);
      actor.asleep = undefined;
      woken++;
    }
    return woken;
  }

  /** What each agent waits for. */
  describe(nameOf: (bell: number) => string): string {
    const sleeps = [...this.#actors.filter(({ asleep }) => asleep).map(({ name, asleep }) => ({ name, wait: asleep!.wait }))];
    const inner = this.#inner.map(({ attachment, wait }) => ({ name: `thread ${attachment.thread}`, wait }));
    return [...sleeps, ...inner].map(({ name, wait }) => `${name} waits for ${wait.bit === 0 ? 'its turn' : nameOf(wait.bell)}`).join(', ');
  }

  #movable(): Move[] {
    const moves: Move[] = [];
    for (const actor of this.#actors)
      if (!actor.isPending && !actor.hasEnded && (!actor.asleep || this.#isRung(actor.asleep))) moves.push({ actor });
    for (const inner of this.#inner) if (this.#isRung(inner)) moves.push({ inner });
    // Of the calls of a thread the highest ordinal settles first.
    const highest = new Map<number, Call>();
    for (const call of this.#calls) {
      const other = highest.get(call.thread);
      if (!other || call.ordinal > other.ordinal) highest.set(call.thread, call);
    }
    for (const call of highest.values()) moves.push({ call });
    return moves;
  }

  #lowestHeld(): Move | undefined {
    let lowest: Move | undefined;
    let ordinal = Number.POSITIVE_INFINITY;
    const offer = (move: Move, own: number | undefined): void => {
      if (own === undefined || own >= ordinal) return;
      ordinal = own;
      lowest = move;
    };
    for (const actor of this.#actors) if (actor.isInHand) offer({ actor }, actor.hand?.ordinal());
    for (const call of this.#calls) offer({ call }, call.ordinal);
    return lowest;
  }

  async #make({ actor, inner, call }: Move): Promise<void> {
    this.thread = actor?.attachment.thread ?? inner?.attachment.thread ?? call!.thread;
    this.#events.turn?.(this.thread);
    if (actor) this.#step(actor);
    else if (inner) {
      this.#end(inner);
      this.#inner.splice(this.#inner.indexOf(inner), 1);
      inner.resolve();
    } else if (call) {
      this.#calls.splice(this.#calls.indexOf(call), 1);
      call.settle();
      this.moves++;
    }
    if (!actor || this.#actors.some(({ isPending }) => isPending)) await nextTurn();
  }

  #step(actor: Actor): void {
    try {
      if (actor.asleep) this.#end(actor.asleep);
      actor.asleep = undefined;
      actor.isInHand = false;
      const step = actor.agent.doWork();
      if (step instanceof Promise) this.#await(actor, step);
      else if (typeof step === 'number') {
        this.moves++;
        if (step === ENDED) this.#noteEnd(actor);
        actor.isInHand = step === TOOK;
      } else {
        actor.asleep = this.#fallAsleep(actor.attachment, step);
        actor.isInHand = !actor.asleep && step.bell === actor.hand?.bell;
      }
    } catch (error) {
      this.#fail(actor, error);
    }
  }

  #noteEnd(actor: Actor): void {
    const { thread } = actor.attachment;
    actor.hasEnded = true;
    if (this.#actors.every(({ attachment, hasEnded }) => attachment.thread !== thread || hasEnded)) this.#events.ended?.(thread);
  }

  #await(actor: Actor, promise: Promise<void>): void {
    actor.isPending = true;
    promise.then(
      () => {
        actor.isPending = false;
        this.moves++;
      },
      (error: unknown) => this.#fail(actor, error),
    );
  }

  #fail(actor: Actor, error: unknown): void {
    const { thread } = actor.attachment;
    if (!this.#actors.includes(actor)) return;
    if (!this.#events.failed(thread, error)) throw error;
    this.remove(thread);
  }

  /** The steps of park.ts: the park word is read, the bit set, and there is one more look. Undefined: that found something. */
  #fallAsleep(attachment: Attachment, wait: Wait): Sleep | undefined {
    const seen = Atomics.load(this.#words, attachment.park >>> 2);
    const sleepers = (wait.bell + BELL.sleepers) >>> 2;
    Atomics.or(this.#words, sleepers, wait.bit);
    if (!wait.look()) return { attachment, wait, seen, moves: this.moves };
    Atomics.and(this.#words, sleepers, ~wait.bit);
    this.moves++;
    return undefined;
  }

  #isRung({ attachment, wait, seen, moves }: Sleep): boolean {
    return Atomics.load(this.#words, attachment.park >>> 2) !== seen || (wait.bit === 0 && this.moves !== moves);
  }

  #end({ wait }: Sleep): void {
    Atomics.and(this.#words, (wait.bell + BELL.sleepers) >>> 2, ~wait.bit);
  }
}
