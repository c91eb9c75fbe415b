import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { moduleUrl, readModuleCode } from '../../modules/module-code.js';
import type { PipelineSpec } from '../../spec/spec.js';

/** An editor writes a file in several steps: files must remain unchanged this long. */
const REST_MS = 200;
/** Not every file system reports changes. */
const LOOK_MS = 1000;

/** The pipeline file, its local modules with their imports, and the files that operator parameters name. */
export function filesOf(file: string, spec: PipelineSpec | undefined): Set<string> {
  const files = new Set([resolve(file)]);
  for (const { type, codec } of [...Object.values(spec?.sources ?? {}), ...Object.values(spec?.sinks ?? {})])
    for (const module of [type, codec]) addModule(files, module, spec!.baseDir);
  for (const { operators } of Object.values(spec?.stages ?? {})) {
    for (const { type, params } of operators) {
      addModule(files, type, spec!.baseDir);
      for (const value of Object.values(params)) {
        const path = typeof value === 'string' && spec ? resolve(spec.baseDir, value) : undefined;
        if (path !== undefined && stateOf(path) !== MISSING) files.add(path);
      }
    }
  }
  return files;
}

function addModule(files: Set<string>, type: string, baseDir: string): void {
  const url = moduleUrl(type, baseDir);
  if (!url?.startsWith('file:')) return;
  files.add(fileURLToPath(url));
  for (const code of readModuleCode(url).files) files.add(fileURLToPath(code.url));
}

const MISSING = 'missing';

function stateOf(path: string): string {
  try {
    const stat = statSync(path);
    return stat.isFile() ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : MISSING;
  } catch {
    return MISSING;
  }
}

/** Detects changes of files, including replaced files. Closed by `close`. */
export class WatchedFiles {
  readonly #states = new Map<string, string>();
  readonly #folders = new Map<string, FSWatcher>();
  readonly #timer = setInterval(() => this.#look(), LOOK_MS);
  #notice: () => void = () => {};

  /** Watches these files too. A change since the first call is not lost. */
  add(files: Iterable<string>): void {
    for (const file of files) {
      if (!this.#states.has(file)) this.#states.set(file, stateOf(file));
      const folder = dirname(file);
      if (this.#folders.has(folder)) continue;
      try {
        const watcher = watch(folder, () => this.#look());
        watcher.on('error', () => watcher.close()); // The timer polls anyway.
        this.#folders.set(folder, watcher);
      } catch {
        // As above.
      }
    }
  }

  /**
   * Resolves with the files that changed since the last call, once they are at rest; with none when `signal` is
   * aborted.
   */
  async changed(signal: AbortSignal): Promise<string[]> {
    for (;;) {
      if (signal.aborted) return [];
      const before = this.#changes();
      if (before.size > 0) {
        await this.#wait(signal, REST_MS);
        const now = this.#changes();
        if (now.size !== before.size || [...now].some(([file, state]) => before.get(file) !== state)) continue;
        for (const [file, state] of now) this.#states.set(file, state);
        return [...now.keys()];
      }
      await this.#wait(signal);
    }
  }

  close(): void {
    clearInterval(this.#timer);
    for (const watcher of this.#folders.values()) watcher.close();
    this.#folders.clear();
  }

  #look(): void {
    if (this.#changes().size > 0) this.#notice();
  }

  #changes(): Map<string, string> {
    const changed = new Map<string, string>();
    for (const [file, state] of this.#states) {
      const now = stateOf(file);
      if (now !== state) changed.set(file, now);
    }
    return changed;
  }

  /** Waits until `ms` have passed; without `ms`, until something changes. */
  #wait(signal: AbortSignal, ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#notice = () => {};
        resolve();
      };
      const timer = ms === undefined ? undefined : setTimeout(done, ms);
      if (ms === undefined) this.#notice = done;
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }
}
