import { EXIT, MillraceError } from '../../errors/errors.js';
import type { CliContext } from '../context.js';
import { printable } from '../printable.js';
import { runCase } from './run-case.js';
import { loadTestFile } from './test-file.js';

/** `millrace test FILE...`: 0 when every case of every file passes. */
export async function test(files: readonly string[], options: { readonly json?: boolean }, context: CliContext): Promise<number> {
  const { output, signal } = context;
  // Invalid files are reported before anything runs.
  const loaded = [];
  for (const file of files) loaded.push({ file, ...(await loadTestFile(file)) });
  const results = [];
  for (const { file, pipeline, spec, cases } of loaded) {
    let failed = 0;
    const told = [];
    for (const one of cases) {
      const beganMs = performance.now();
      const differences = await runCase(spec, one, signal).catch((thrown: unknown) => {
        throw signal.aborted ? new MillraceError('ERR_CLOSED', 'interrupted; not all cases ran') : thrown;
      });
      const durationMs = Math.round(performance.now() - beganMs);
      const ok = differences.length === 0;
      if (!ok) failed++;
      told.push({ name: one.name, ok, durationMs, differences });
      if (options.json) continue;
      output.out(printable(`${ok ? 'pass' : 'FAIL'}  ${one.name} (${durationMs} ms)`));
      for (const { message } of differences) for (const line of message.split('\n')) output.out(printable(`      ${line}`));
    }
    results.push({ file, pipeline, ok: failed === 0, cases: told });
    if (!options.json) output.out(`${file}: ${cases.length - failed} passed, ${failed} failed`);
  }
  const ok = results.every((result) => result.ok);
  if (options.json) output.out(JSON.stringify({ ok, files: results }));
  return ok ? EXIT.done : EXIT.failed;
}
