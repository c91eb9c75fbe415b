import { code, page, sentence, table } from './markdown.mjs';

const EXITS = {
  done: 'The command did its work.',
  failed: 'The command or the run failed.',
  usage: 'The command line is wrong.',
  config: 'The pipeline file, or a file that it names, is wrong.',
};

export function errorsPage(errors, exits) {
  return page(
    '# Errors',
    `Every error has a stable code. The command prints it in square brackets at the end of the message; a program reads it from ${code('error.code')} of a ${code('MillraceError')}. The text of a message may change between versions, but the meaning of a code does not.`,
    '## Exit codes',
    table(
      ['exit code', 'meaning'],
      Object.entries(exits).map(([name, number]) => [String(number), EXITS[name]]),
    ),
    ...Object.entries(errors).map(([name, [exit, meaning, remedy]]) =>
      [`## ${name}`, `${sentence(meaning)} Exit code ${exit}.`, `**What to do:** ${sentence(remedy)}`].join('\n\n'),
    ),
  );
}
