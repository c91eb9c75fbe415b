// A worker of the pool. Its one task is the run loop of a stage; the promise of the task is the worker's lease.
import { Attachment } from '../src/agents/attachment.js';
import { OperatorAgent } from '../src/agents/operator-agent.js';
import type { OperatorTask } from '../src/agents/thread-messages.js';
import { ThreadPort } from '../src/agents/thread-port.js';

export default async function run({ memory, plan, thread, name, worker, port: messages }: OperatorTask): Promise<void> {
  const port = new ThreadPort(messages);
  const attachment = new Attachment(memory, plan, thread);
  try {
    await new OperatorAgent(attachment, attachment.stageNode(name), worker, port.log).run(() => port.say({ kind: 'ready' }));
  } finally {
    messages.close();
  }
}
