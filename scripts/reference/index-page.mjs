import { code, page, sentence, table } from './markdown.mjs';
import { typesTable } from './pipeline-page.mjs';

/** The first page of the reference. `handwritten`: the other pages of the folder. */
export function indexPage({ sources, operators, sinks, codecs }, handwritten) {
  return page(
    '# Reference',
    [
      '- [Command line](cli.md): every verb with its options and exit codes',
      '- [Keys of a pipeline file](pipeline-file.md)',
      '- [Errors](errors.md): every error code, what it means and what to do',
      ...handwritten.map(({ file, title }) => `- [${title}](${file})`),
    ].join('\n'),
    '## Sources',
    typesTable('sources', sources),
    '## Operators',
    typesTable('operators', operators),
    '## Sinks',
    typesTable('sinks', sinks),
    '## Codecs',
    table(
      ['codec', 'description'],
      [...codecs.values()].map(({ name, description }) => [`[${code(name)}](codecs.md)`, sentence(description)]),
    ),
  );
}
