import { access, open } from 'node:fs/promises';
import { asMillraceError, EXIT, MillraceError } from '../errors/errors.js';
import { parsePipeline } from '../spec/load.js';
import { suggest } from '../spec/suggest.js';
import type { CliContext } from './context.js';
import { FIRST_OPERATORS, FIRST_SINKS, FIRST_SOURCES, type FirstPart, firstPipeline } from './first-pipeline.js';

export interface InitOptions {
  readonly source?: string;
  readonly operator?: string;
  readonly sink?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const DEFAULTS = { source: 'sim', operator: 'threshold', sink: 'file' } as const;

/**
 * `millrace init [FILE]`: writes a first pipeline. It asks at the terminal for what no option gives; without a
 * terminal, or with `--json`, it uses the default.
 */
export async function init(file: string, options: InitOptions, context: CliContext): Promise<number> {
  const { output, ask } = context;
  if (!options.force && (await exists(file))) throw taken(file);
  const choose = async (what: keyof typeof DEFAULTS, parts: Readonly<Record<string, FirstPart>>): Promise<string> => {
    const given = options[what];
    if (given !== undefined) return known(what, given, parts);
    if (!ask || options.json) return DEFAULTS[what];
    for (const [name, { description }] of Object.entries(parts)) output.err(`  ${name.padEnd(20)} ${description}`);
    for (;;) {
      const answer = (await ask(`${what} [${DEFAULTS[what]}]: `)).trim() || DEFAULTS[what];
      if (Object.hasOwn(parts, answer)) return answer;
      output.err(`there is no ${what} '${answer}' to start with${suggest(answer, Object.keys(parts))}`);
    }
  };
  const source = await choose('source', FIRST_SOURCES);
  const operator = await choose('operator', FIRST_OPERATORS);
  const sink = await choose('sink', FIRST_SINKS);
  const text = firstPipeline(source, operator, sink);
  if (source !== 'file') await parsePipeline(text, { file, baseDir: '.' }); // The files of a source `file` need not exist yet.
  await write(file, text, options.force === true);
  if (options.json) output.out(JSON.stringify({ ok: true, file, source, operator, sink }));
  else {
    output.out(`${file}: written (source ${source}, operator ${operator}, sink ${sink})`);
    if (source === 'file') output.out('set the path of the source to your files');
    output.out(`next: millrace validate ${file}, then millrace run ${file}`);
  }
  return EXIT.done;
}

function known(what: string, name: string, parts: Readonly<Record<string, FirstPart>>): string {
  if (Object.hasOwn(parts, name)) return name;
  const names = Object.keys(parts);
  throw new MillraceError('ERR_USAGE', `init has no ${what} '${name}'${suggest(name, names) || `: choose ${names.join(', ')}`}`);
}

const taken = (file: string): MillraceError =>
  new MillraceError('ERR_USAGE', `${file} exists already. Choose another name, or replace it with --force.`);

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function write(file: string, text: string, force: boolean): Promise<void> {
  try {
    // Exclusive: a file that another process created meanwhile is not replaced either.
    const handle = await open(file, force ? 'w' : 'wx');
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') throw taken(file);
    throw asMillraceError(thrown, 'ERR_USAGE', `${file} cannot be written`);
  }
}
