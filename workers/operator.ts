// A worker of the pool. Its one task is the run loop of a stage; the promise of the task is the worker's lease.
import { threadId } from 'node:worker_threads';
import { Attachment } from '../src/agents/attachment.js';
import { faultyAttachment } from '../src/agents/fault-injection.js';
import { OperatorAgent } from '../src/agents/operator-agent.js';
import type { OperatorTask, ThreadError } from '../src/agents/thread-messages.js';
import { ThreadPort, toThreadError } from '../src/agents/thread-port.js';

/** What the loop threw, if it did: then the thread lives on and can be leased again. */
export default async function run(task: OperatorTask): Promise<ThreadError | undefined> {
  const { memory, plan, thread, name, worker, port: messages, fault } = task;
  const port = new ThreadPort(messages);
  const attachment = fault ? faultyAttachment(memory, plan, thread, fault) : new Attachment(memory, plan, thread);
  try {
    await new OperatorAgent(attachment, attachment.stageNode(name), worker, port.log).run(() => port.say({ kind: 'ready', threadId }));
    return undefined;
  } catch (error) {
    return toThreadError(error, 'ERR_WORKER');
  } finally {
    messages.close();
  }
}
