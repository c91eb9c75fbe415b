import { setImmediate as nextTurn } from 'node:timers/promises';
import { waitSync } from '../../ring/park.js';
import { type Agent, ENDED, TOOK, type Wait } from './agent.js';
import type { Attachment } from './attachment.js';

const NOTHING = 0;
const FOUND = 1;
const isNothing = (result: number): boolean => result === NOTHING;

/**
 * Steps an agent until it has ended or the run is aborted. The thread blocks where the agent waits; its event loop has a
 * turn every `turnMs`, so that timers and output of an author's code work.
 */
export async function driveSync(agent: Agent, attachment: Attachment, turnMs: number): Promise<void> {
  const { arena, park } = attachment;
  let wait: Wait | undefined;
  const look = (): number => (wait!.look() ? FOUND : NOTHING);
  let turnAt = performance.now() + turnMs;
  for (;;) {
    if (performance.now() >= turnAt) {
      await nextTurn();
      turnAt = performance.now() + turnMs;
    }
    if (attachment.aborted) return;
    let step = agent.doWork();
    while (step === TOOK) step = agent.doWork();
    if (step === ENDED) return;
    if (typeof step === 'number') continue;
    if (step instanceof Promise) await step;
    else {
      wait = step;
      waitSync(arena.words, wait.bell, wait.bit, park, look, isNothing, turnMs);
    }
  }
}

/** The same for a thread whose event loop must live: it blocks nowhere, and an agent that never waits yields every `turnMs`. */
export async function driveAsync(agent: Agent, attachment: Attachment, turnMs: number): Promise<void> {
  let turnAt = performance.now() + turnMs;
  for (;;) {
    if (attachment.aborted) return;
    let step = agent.doWork();
    while (step === TOOK) step = agent.doWork();
    if (step === ENDED) return;
    if (typeof step !== 'number') await (step instanceof Promise ? step : attachment.sleep(step));
    if (performance.now() >= turnAt) {
      await nextTurn();
      turnAt = performance.now() + turnMs;
    }
  }
}
