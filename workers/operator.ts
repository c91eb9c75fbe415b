// A worker of the pool. Its one task is the run loop of a stage; the promise of the task is the worker's lease.
import { threadId } from 'node:worker_threads';
import { OperatorAgent } from '../src/agents/stage/operator-agent.js';
import { Attachment } from '../src/agents/thread/attachment.js';
import { faultyAttachment } from '../src/agents/thread/faulty-attachment.js';
import type { OperatorTask, TaskResult } from '../src/agents/thread/thread-messages.js';
import { ThreadPort, toThreadError } from '../src/agents/thread/thread-port.js';

export default async function run(task: OperatorTask): Promise<TaskResult> {
  const { memory, plan, thread, name, worker, port: messages, fault } = task;
  const port = new ThreadPort(messages, { kind: 'stage', name });
  const attachment = fault ? faultyAttachment(memory, plan, thread, fault) : new Attachment(memory, plan, thread);
  try {
    await new OperatorAgent(attachment, attachment.stageNode(name), worker, port.log, {
      making: () => port.say({ kind: 'making', threadId }),
      ready: () => port.say({ kind: 'ready' }),
      left: () => port.say({ kind: 'left' }),
    }).run();
    return {};
  } catch (error) {
    return { error: toThreadError(error, 'ERR_WORKER') };
  } finally {
    messages.close();
  }
}
