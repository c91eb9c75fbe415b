import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram, runCli } from '../../src/cli/program.js';
import { VERB_HELP, verbsOf, verbWords } from '../../src/cli/verb-help.js';
import { collectedOutput } from '../support/collected-output.js';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));

/** The words of an example, without `millrace` and without what follows `>`. */
function wordsOf(example: string): string[] {
  const words = [...example.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain!);
  expect(words.shift()).toBe('millrace');
  return words.includes('>') ? words.slice(0, words.indexOf('>')) : words;
}

const program = buildProgram({ output: collectedOutput(), signal: new AbortController().signal }, () => {});
const verbs = verbsOf(program).map((command) => [verbWords(command), command] as const);

describe.each(verbs)('the help of %s', (words, command) => {
  it('has a description of the verb, its arguments and its options, and one example', () => {
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help.match(/^Example:\n {2}millrace /gm)).toHaveLength(1);
    expect(help).toContain(`\n  millrace ${words}`);
    expect(command.description()).not.toBe('');
    for (const argument of command.registeredArguments) expect(argument.description, argument.name()).not.toBe('');
    for (const option of command.options) expect(option.description, option.flags).not.toBe('');
  });
});

describe('the examples', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-help-'));
  beforeAll(() => {
    cpSync(fileURLToPath(new URL('../../examples/hits', import.meta.url)), folder, { recursive: true });
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('belong to verbs that exist', () => {
    expect(Object.keys(VERB_HELP).sort()).toEqual(verbs.map(([words]) => words).sort());
  });

  it.each(Object.entries(VERB_HELP))('of %s can be parsed', async (_, { example }) => {
    const parsed = buildProgram({ output: collectedOutput(), signal: new AbortController().signal }, () => {});
    let called = 0;
    for (const command of verbsOf(parsed)) if (command.commands.length === 0) command.action(() => void called++);
    await parsed.parseAsync(wordsOf(example), { from: 'user' });
    expect(called).toBe(1);
  });

  it.each(['validate', 'list', 'graph', 'schema', 'info'])('of %s can be run', async (verb) => {
    const output = collectedOutput();
    const words = wordsOf(VERB_HELP[verb]!.example).map((word) => (word === 'pipeline.yaml' ? join(folder, word) : word));
    expect(await runCli(words, { output, signal: new AbortController().signal }), output.errors.join('\n')).toBe(0);
    expect(output.lines.join('\n').length).toBeGreaterThan(10);
  });

  it.each([
    ['run', /^reduce +500 /m],
    ['relay', /^source 2 .* uint32 \[2, 2\]/m],
  ])('of %s can be run by the command', (verb, expected) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...wordsOf(VERB_HELP[verb]!.example)], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(expected);
  });
});
