import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DOCS = fileURLToPath(new URL('..', import.meta.url));
/** Tutorials before how-tos; guides that are not named here follow by name. */
const GUIDE = [
  'index',
  'first-pipeline',
  'your-detector',
  'your-operator',
  'your-connector',
  'embedding',
  'operating',
  'logging',
  'tuning',
  'troubleshooting',
];

export const navigation = [
  { text: 'Guide', link: first('guide'), activeMatch: '^/guide/' },
  { text: 'Reference', link: '/reference/', activeMatch: '^/reference/' },
  { text: 'API', link: '/reference/api/', activeMatch: '^/reference/api/' },
  { text: 'Internals', link: '/internals/', activeMatch: '^/internals/' },
];

/** One sidebar for all parts, made from the files. */
export function sidebar() {
  return [
    { text: 'Guide', items: pages('guide', GUIDE) },
    {
      text: 'Reference',
      items: [
        ...pages('reference', ['index', 'cli', 'pipeline', 'pipeline-file']),
        ...['sources', 'operators', 'sinks'].map((kind) => ({ text: title(kind), collapsed: true, items: pages(`reference/${kind}`) })),
        { text: 'API', collapsed: true, items: [...pages('reference/api', ['index']), ...pages('reference/api/millrace')] },
      ],
    },
    {
      text: 'Internals',
      collapsed: true,
      items: [...pages('internals', ['index']), { text: 'Decisions', collapsed: true, items: pages('internals/decisions', ['README']) }],
    },
    ...(existsSync(join(DOCS, 'glossary.md')) ? [{ text: 'Glossary', link: '/glossary' }] : []),
  ];
}

/** The pages of a folder: those named first, then the others by name. Its own README is left to the folder's link. */
function pages(folder, firstOnes = []) {
  const names = markdownIn(folder).map((file) => file.slice(0, -3));
  const rank = (name) => (firstOnes.includes(name) ? firstOnes.indexOf(name) : firstOnes.length);
  return names
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
    .map((name) => ({ text: heading(join(DOCS, folder, `${name}.md`)), link: `/${folder}/${/^(index|README)$/.test(name) ? '' : name}` }));
}

function markdownIn(folder) {
  const path = join(DOCS, folder);
  return existsSync(path) ? readdirSync(path).filter((file) => file.endsWith('.md')) : [];
}

function first(folder) {
  return pages(folder, GUIDE)[0]?.link ?? '/';
}

const title = (word) => word[0].toUpperCase() + word.slice(1);

function heading(file) {
  const text = /^# (.+)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? file;
  return text.replaceAll(/[`\\]/g, '');
}
