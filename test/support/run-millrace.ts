import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../src/observe/report.js';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

export interface MillraceResult {
  readonly exitCode: number | null;
  readonly report: Report;
  readonly stderr: string;
}

/** `millrace run` of the built command in a process of its own, with a temporary folder for its file. */
export class MillraceRun {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-run-'));
  #child: ChildProcess | undefined;
  #stderr = '';

  /** What it has said so far: progress and errors. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Starts it on a pipeline (a JavaScript object is YAML too) and resolves at its end. */
  async run(pipeline: object): Promise<MillraceResult> {
    const file = join(this.folder, 'pipeline.yaml');
    const report = join(this.folder, 'report.json');
    writeFileSync(file, JSON.stringify(pipeline));
    const child = spawn(process.execPath, [MAIN, 'run', file, '--report', report], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.on('data', (chunk) => {
      this.#stderr += chunk;
    });
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
    try {
      return { exitCode, report: JSON.parse(readFileSync(report, 'utf8')) as Report, stderr: this.#stderr };
    } catch (cause) {
      throw new Error(`no report; exit ${exitCode}: ${this.#stderr}`, { cause });
    }
  }

  /** Ends what still runs and removes the folder. */
  dispose(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
