import { relative } from 'node:path';
import { EXIT } from '../../errors/errors.js';
import { loadPipeline } from '../../spec/load.js';
import type { PipelineSpec } from '../../spec/spec.js';
import type { CliContext } from '../context.js';
import { reportError } from '../output.js';
import { type RunOptions, runSpec } from '../run.js';
import { filesOf, WatchedFiles } from './watched-files.js';

/**
 * `millrace run FILE --watch`: when the file, its modules or its masks change, the run drains and starts again. If the
 * changed files have errors, it reports them and the old run continues. Ends with the signal, with the exit code of the
 * last run.
 */
export async function watchRun(
  file: string,
  options: RunOptions & { readonly set?: readonly string[] },
  context: CliContext,
): Promise<number> {
  const { output, signal } = context;
  const say = (text: string): void => output.err(`millrace: watch: ${text}`);
  const watched = new WatchedFiles();
  try {
    watched.add(filesOf(file, undefined));
    let spec = await checked(file, options, watched);
    for (;;) {
      const restart = new AbortController();
      let isOver = false;
      const run = runSpec(spec, { ...options, ctl: options.ctl ?? true }, { ...context, signal: AbortSignal.any([signal, restart.signal]) })
        .catch((thrown: unknown) =>
          restart.signal.aborted && !signal.aborted ? EXIT.done : reportError(thrown, output, options.json === true),
        )
        .then((code) => {
          isOver = true;
          if (!signal.aborted && !restart.signal.aborted) say('the run has ended; waiting for a change of its files');
          return code;
        });
      let next: PipelineSpec | undefined;
      while (!next) {
        const changed = await watched.changed(signal);
        if (signal.aborted) return await run;
        const names = changed.map((path) => relative('.', path)).join(', ');
        try {
          next = await checked(file, options, watched);
          say(`${names} changed: ${isOver ? 'restarting the run' : 'draining the run before a restart'}`);
        } catch (thrown) {
          reportError(thrown, output, options.json === true);
          say(`${names} changed but has errors: ${isOver ? 'waiting for the next change' : 'the run continues unchanged'}`);
        }
      }
      restart.abort();
      const code = await run;
      if (signal.aborted) return code;
      spec = next;
    }
  } finally {
    watched.close();
  }
}

/** The pipeline as it is on disk now, planned as `validate` does. */
async function checked(file: string, options: { readonly set?: readonly string[] }, watched: WatchedFiles): Promise<PipelineSpec> {
  const spec = await loadPipeline(file, { set: options.set ?? [] });
  // Before the plan: if a module is wrong, a change of that module must be noticed.
  watched.add(filesOf(file, spec));
  const { plan } = await import('../../plan/plan.js');
  await plan(spec);
  return spec;
}
