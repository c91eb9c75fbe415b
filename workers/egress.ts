// An egress thread: opens the sink, writes what comes over its edge until that is closed and empty.
import { parentPort, workerData } from 'node:worker_threads';
import { EgressAgent } from '../src/agents/egress/egress-agent.js';
import { OptionalEgress } from '../src/agents/egress/optional-egress.js';
import { profileOf } from '../src/agents/egress/profile-sample.js';
import { Attachment } from '../src/agents/thread/attachment.js';
import { driveAsync } from '../src/agents/thread/drivers.js';
import type { EgressThreadData, ToThread } from '../src/agents/thread/thread-messages.js';
import { ThreadPort } from '../src/agents/thread/thread-port.js';
import { codecLoader } from '../src/codecs/load-codec.js';
import type { Egress, LateFrames } from '../src/egress/egress.js';
import { sinkLoader } from '../src/egress/load-sink.js';
import { protectSecrets } from '../src/errors/secrets.js';
import type { Frame } from '../src/frame/frame.js';

/** A sink that never waits still gives its event loop a turn this often. */
const TURN_MS = 20;

const { memory, plan, thread, spec, name, baseDir, run: startedAs, port: program } = workerData as EgressThreadData;
protectSecrets(spec.options);
const parent = parentPort!;
const port = new ThreadPort(parent, { kind: 'sink', name });
const aborting = new AbortController();
const attachment = new Attachment(memory, plan, thread);
let egress: Egress | undefined;
let agent: EgressAgent | undefined;

async function open(): Promise<void> {
  const { modules } = attachment.sinkNode(name);
  const definition = await sinkLoader.loadPlanned(spec.type, modules.code, port.log);
  const codec = await codecLoader.loadPlanned(spec.codec, modules.codec, port.log);
  const outage = (ms: number): void => agent?.outage(ms);
  // The agent is there before the first write.
  const late: LateFrames = {
    accept: (index) => agent!.late.accept(index),
    settle: (tag, fate) => agent!.late.settle(tag, fate),
  };
  const waiting = (addresses: readonly string[], waitedMs: number): void => port.say({ kind: 'waiting', addresses, waitedMs });
  const context = {
    waiting,
    name,
    codec,
    baseDir,
    run: startedAs ?? '',
    log: port.log,
    signal: aborting.signal,
    outage,
    late,
    port: program,
  };
  const create = (): Egress => definition.create(spec.options, context);
  egress = spec.required ? create() : new OptionalEgress(name, create, port.log);
  agent = new EgressAgent(attachment, attachment.sinkNode(name), egress, port.log, spec.required, aborting.signal);
  await egress.open();
  port.say({ kind: 'ready' });
}

async function run(): Promise<void> {
  try {
    await driveAsync(agent!, attachment, TURN_MS);
    tellLate();
    port.say({ kind: 'ended' });
  } catch (error) {
    port.fail(error, 'ERR_SINK');
  }
}

function sample(frame: Frame): void {
  const profile = profileOf(frame);
  port.say({ kind: 'sample', ...(profile ? { profile } : {}) });
}

function tellLate(): void {
  if (agent) port.say({ kind: 'late', report: agent.late.report, peers: egress?.peers?.() ?? [] });
}

async function close(): Promise<void> {
  try {
    await egress?.close();
  } catch (error) {
    port.log.warn({ sink: name }, `sink '${name}' did not close cleanly: ${error}`);
  }
  tellLate();
  port.say({ kind: 'closed' });
  port.end();
}

parent.on('message', (message: ToThread) => {
  if (message === 'run') void run();
  else if (message === 'abort') aborting.abort();
  else if (message === 'sample') agent?.sampleNext(sample);
  else if (message === 'reader-gone') egress?.readerGone?.();
  else if (message === 'close') void close();
});
open().catch((error: unknown) => port.fail(error, 'ERR_SINK'));
