// An ingress thread: opens the source, runs it until it ends or is stopped, then sweeps until every frame is settled.
import { parentPort, workerData } from 'node:worker_threads';
import { IngressAgent } from '../src/agents/ingress/ingress-agent.js';
import { Attachment } from '../src/agents/thread/attachment.js';
import type { IngressThreadData, SeriesCommand, ToThread } from '../src/agents/thread/thread-messages.js';
import { ThreadPort } from '../src/agents/thread/thread-port.js';
import { codecLoader } from '../src/codecs/load-codec.js';
import { asMillraceError } from '../src/errors/errors.js';
import { protectSecrets } from '../src/errors/secrets.js';
import type { Ingress } from '../src/ingress/ingress.js';
import { sourceLoader } from '../src/ingress/load-source.js';

/** While the source is idle, what is settled is counted so often. */
const LOOK_MS = 20;

const { memory, plan, thread, spec, task, name, baseDir, port: program } = workerData as IngressThreadData;
protectSecrets(spec.options);
const parent = parentPort!;
const port = new ThreadPort(parent, { kind: 'source', name });
const stopping = new AbortController();
const attachment = new Attachment(memory, plan, thread);
const agent = new IngressAgent(
  attachment,
  attachment.sourceNode(name),
  port.log,
  stopping.signal,
  (report) => port.say({ kind: 'series', report }),
  spec.seriesTimeoutMs,
);
let ingress: Ingress | undefined;
const timer = setInterval(() => agent.doWork(), LOOK_MS);

async function open(): Promise<void> {
  if (task === 'run') await openSource();
  port.say({ kind: 'ready' });
}

async function openSource(): Promise<void> {
  const { modules } = attachment.sourceNode(name);
  const definition = await sourceLoader.loadPlanned(spec.type, modules.code, port.log);
  const codec = await codecLoader.loadPlanned(spec.codec, modules.codec, port.log);
  const { resumeAt } = agent;
  ingress = definition.create(spec.options, {
    name,
    codec,
    baseDir,
    log: port.log,
    port: program,
    resumeAt,
    waiting: (addresses, waitedMs) => port.say({ kind: 'waiting', addresses, waitedMs }),
    unreadable: (what) => port.say({ kind: 'unreadable', ...what }),
    maxFrameBytes: agent.maxBytes,
  });
  await ingress.open();
}

async function run(): Promise<void> {
  try {
    await agent.begin();
    await ingress?.run(agent, stopping.signal);
    port.say({ kind: 'ending' });
    if (task !== 'settle') await agent.finish();
    port.say({ kind: 'ended' });
  } catch (error) {
    port.fail(error, 'ERR_SOURCE');
  }
}

async function close(): Promise<void> {
  clearInterval(timer);
  agent.close();
  try {
    await ingress?.close();
  } catch (error) {
    port.log.warn({ source: name }, `source '${name}' did not close cleanly: ${error}`);
  }
  port.say({ kind: 'closed' });
  port.end();
}

async function command({ request, start, end }: SeriesCommand): Promise<void> {
  try {
    const report = await (start ? agent.commandStart(start) : agent.commandEnd(end));
    port.say({ kind: 'series-done', request, ...(report && { report }) });
  } catch (thrown) {
    const { code, message } = asMillraceError(thrown, 'ERR_SOURCE');
    port.say({ kind: 'series-done', request, error: { code, message } });
  }
}

parent.on('message', (message: ToThread) => {
  if (typeof message === 'object') void command(message);
  else if (message === 'run') void run();
  else if (message === 'stop' || message === 'abort') stopping.abort();
  else if (message === 'settle') void agent.settled().then(() => port.say({ kind: 'settled', sequences: agent.tracker.verdict }));
  else if (message === 'close') void close();
});
open().catch((error: unknown) => port.fail(error, 'ERR_SOURCE'));
