#!/usr/bin/env node
import { EXIT } from '../errors/errors.js';
import { askOnTerminal, confirmOnTerminal } from './ask-on-terminal.js';
import { processOutput } from './output.js';
import { runCli } from './program.js';

// The only file that touches the process: its signals, streams and exit code.
const output = processOutput();
const drain = new AbortController();
const force = new AbortController();
/**
 * ZeroMQ sockets must be closed before their threads end, or the process aborts: a forced exit waits this long for it.
 */
const FORCED_MS = 4000;
/** How long a reader that delayed the end of a run may still take printed output. */
const ABANDONED_MS = 2000;
const onSignal = (signal: NodeJS.Signals): void => {
  if (drain.signal.aborted) {
    output.err(`millrace: ${signal} again: forced exit`);
    force.abort();
    setTimeout(() => process.exit(EXIT.failed), FORCED_MS).unref();
    return;
  }
  output.err(`millrace: ${signal}: draining; a second signal forces the exit`);
  drain.abort();
};
// SIGHUP: the terminal or the ssh session has closed.
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
for (const signal of SIGNALS) process.on(signal, onSignal);
const readerGone = new AbortController();
/**
 * EPIPE: a reader such as `head` has seen enough. EIO: the terminal has closed. Later writes fail with other errors.
 */
const GONE = new Set(['EPIPE', 'EIO']);
for (const stream of [process.stdout, process.stderr]) {
  let isGone = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (isGone) return;
    if (!GONE.has(error.code ?? '')) throw error;
    isGone = true;
    if (stream === process.stdout) readerGone.abort();
    drain.abort();
  });
}

const confirm = process.stdin.isTTY && process.stderr.isTTY ? { confirm: confirmOnTerminal, ask: askOnTerminal } : {};
let isAbandoned = false;
const abandonOutput = (): void => {
  isAbandoned = true;
};
process.exitCode = await runCli(process.argv.slice(2), {
  output,
  signal: drain.signal,
  force: force.signal,
  readerGone: readerGone.signal,
  abandonOutput,
  ...confirm,
});
// The run is over: from here on a signal ends the process at once, as in any other program.
for (const signal of SIGNALS) process.off(signal, onSignal);
// A pipe that is not read keeps the process alive.
if (isAbandoned) setTimeout(() => process.exit(), ABANDONED_MS).unref();
