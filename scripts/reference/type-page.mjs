import { code, fence, page, sentence, table } from './markdown.mjs';
import { optionsTable } from './options-table.mjs';

const WORDS = { sources: 'Source', operators: 'Operator', sinks: 'Sink' };

/** The page of one source, operator or sink. `members`: all of its kind. */
export function typePage(kind, definition, members, schema, errors) {
  const { type, description, docs = {} } = definition;
  const singular = kind.slice(0, -1);
  const own = schema.$defs[`${singular}-${type}`];
  const common = commonKeys(members.map((one) => schema.$defs[`${singular}-${one.type}`]));
  const shared = Object.fromEntries(Object.entries(own.properties).filter(([key]) => common.has(key)));
  const options = optionsTable(own, { skip: ['type', ...common] });
  const word = WORDS[kind];
  return page(
    `# ${word} ${code(type)}`,
    sentence(description),
    docs.text,
    docs.example &&
      ['## Example', fence(docs.language ?? 'yaml', docs.example), docs.run && sentence(docs.run)].filter(Boolean).join('\n\n'),
    ['## Options', options || `${word} ${code(type)} has no options of its own.`].join('\n\n'),
    Object.keys(shared).length > 0 && [`## Options of every ${singular}`, optionsTable({ ...own, properties: shared })].join('\n\n'),
    docs.errors && ['## Errors', table(['code', 'when'], errorRows(docs.errors, errors))].join('\n\n'),
  );
}

/** Options that every type of the kind has in the same form. */
function commonKeys([first, ...others]) {
  const isEverywhere = (key) => others.every(({ properties }) => JSON.stringify(properties[key]) === JSON.stringify(first.properties[key]));
  return new Set(Object.keys(first.properties).filter((key) => key !== 'type' && others.length > 0 && isEverywhere(key)));
}

function errorRows(listed, errors) {
  return Object.entries(listed).map(([name, when]) => {
    if (!(name in errors)) throw new Error(`there is no error ${name}`);
    return [`[${code(name)}](../errors.md#${name.toLowerCase()})`, sentence(when)];
  });
}
