import { code, fence, page, sentence, table } from './markdown.mjs';

const USAGE_EXIT = 'The command line is wrong.';

/** The page of the command line, from the definitions of its verbs. */
export function cliPage(program, { help, verbsOf, verbWords }) {
  const verbs = verbsOf(program).filter((command) => command.commands.length === 0);
  return page(
    '# Command line',
    `${sentence(program.description())} ${code('millrace --help')} lists the verbs; ${code('millrace VERB --help')} shows the options of one.`,
    table(
      ['verb', 'what it does'],
      verbs.map((command) => [`[${code(verbWords(command))}](#millrace-${anchor(verbWords(command))})`, sentence(command.description())]),
    ),
    ...verbs.map((command) => verbSection(command, help[verbWords(command)], verbWords(command))),
  );
}

const anchor = (words) => words.replaceAll(' ', '-');

function verbSection(command, { example, exits = {} }, words) {
  const args = command.registeredArguments.map((argument) => [
    code(argument.name()),
    argument.required ? 'required' : argument.defaultValue === undefined ? '' : code(argument.defaultValue),
    valuesOf(argument.argChoices),
    sentence(argument.description),
  ]);
  const options = command.options.filter((option) => !option.hidden).map(optionRow);
  return [
    `## millrace ${words}`,
    sentence(command.description()),
    fence('text', `millrace ${words} ${command.usage()}`),
    args.length > 0 && table(['argument', 'default', 'allowed values', 'description'], args),
    options.length > 0 && table(['option', 'default', 'allowed values', 'description'], options),
    'Example:',
    fence('sh', example),
    table(
      ['exit code', 'when'],
      Object.entries({ 2: USAGE_EXIT, ...exits })
        .sort(([a], [b]) => Number(a) - Number(b))
        .map(([number, when]) => [number, sentence(when)]),
    ),
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** A default that only the description names is moved to its column. */
function optionRow({ flags, description, defaultValue, argChoices, mandatory, negate }) {
  const [, text, named] = /^(.*?)(?: \(default: ([^)]*)\))?$/.exec(description);
  const value = negate || Array.isArray(defaultValue) || defaultValue === undefined ? undefined : code(String(defaultValue));
  return [code(flags), mandatory ? 'required' : (named ?? value ?? ''), valuesOf(argChoices), sentence(text)];
}

const valuesOf = (choices) => (choices ?? []).map(code).join(', ');
