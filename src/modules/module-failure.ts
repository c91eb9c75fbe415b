import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ModuleCode, pathOf } from './module-code.js';

const CHECK_MS = 10_000;

/** `file:line:column: ` of what keeps a module from being loaded, as far as it can be found out; else nothing. */
export async function whereItFails(cause: unknown, { files }: ModuleCode): Promise<string> {
  if (!(cause instanceof Error)) return '';
  const marked = markedPlace(cause.stack ?? '');
  if (marked) return marked;
  if (cause.name !== 'SyntaxError') return firstFrame(cause.stack ?? '', files);
  // A syntax error in an ES module does not say where it is. Node says it when it checks the file by itself.
  if (process.release.name !== 'node' || 'Bun' in globalThis || 'Deno' in globalThis) return '';
  for (const { url, source } of files) {
    if (source === undefined || url.endsWith('.json')) continue;
    const place = markedPlace(await check(pathOf(url)));
    if (place) return place;
  }
  return '';
}

/** From the lines that Node prints before an error of syntax: `file:line`, the line, and a mark under the column. */
function markedPlace(text: string): string | undefined {
  const found = /^(file:\/\/\S+|\/.+|[A-Za-z]:\\.+):(\d+)\n.*\n([ \t]*)\^/m.exec(text);
  if (!found) return undefined;
  const [, file, line, before] = found as unknown as [string, string, string, string];
  return `${pathIn(file)}:${line}:${before.length + 1}: `;
}

/** The first place in one of the module's own files that a stack names. */
function firstFrame(stack: string, files: ModuleCode['files']): string {
  for (const [, file, line, column] of stack.matchAll(/(file:\/\/[^\s()]+?):(\d+):(\d+)/g)) {
    const path = pathIn(file!);
    if (files.some(({ url }) => pathOf(url) === path)) return `${path}:${line}:${column}: `;
  }
  return '';
}

const pathIn = (file: string): string => (file.startsWith('file:') ? fileURLToPath(file) : file);

/** What Node prints of a file that it cannot parse; nothing where it can. */
function check(path: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', path], { timeout: CHECK_MS }, (_error, _stdout, stderr) => resolve(stderr));
  });
}
