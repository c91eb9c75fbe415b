// Writes the generated pages of docs/reference from the schemas, the registries, the verbs and the table of errors of the build.
//   node scripts/reference.mjs [--check]
// --check changes nothing, and exits with 1 if a page is not current.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cliPage } from './reference/cli-page.mjs';
import { codecsPage } from './reference/codecs-page.mjs';
import { errorsPage } from './reference/errors-page.mjs';
import { indexPage } from './reference/index-page.mjs';
import { pipelinePage } from './reference/pipeline-page.mjs';
import { typePage } from './reference/type-page.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const FOLDER = join(ROOT, 'docs/reference');
const KINDS = ['sources', 'operators', 'sinks'];

/** Path below docs/reference, and text, of each generated page. */
export async function referencePages() {
  const fromBuild = (path) => import(join(ROOT, 'dist/src', path));
  const { pipelineSchema } = await fromBuild('spec/schema.js');
  const { BUILTIN } = await fromBuild('spec/builtin-registries.js');
  const { ERRORS, EXIT } = await fromBuild('errors/errors.js');
  const { buildProgram } = await fromBuild('cli/program.js');
  const { VERB_HELP, verbsOf, verbWords } = await fromBuild('cli/verb-help.js');
  const schema = pipelineSchema(BUILTIN);

  const pages = new Map();
  for (const kind of KINDS) {
    const members = [...BUILTIN[kind].values()];
    for (const definition of members) pages.set(`${kind}/${definition.type}.md`, typePage(kind, definition, members, schema, ERRORS));
  }
  pages.set('codecs.md', codecsPage([...BUILTIN.codecs.values()], BUILTIN));
  pages.set('errors.md', errorsPage(ERRORS, EXIT));
  pages.set('pipeline-file.md', pipelinePage(schema, BUILTIN));
  const program = buildProgram({ output: { out() {}, err() {} } }, () => {});
  pages.set('cli.md', cliPage(program, { help: VERB_HELP, verbsOf, verbWords }));
  pages.set('index.md', indexPage(BUILTIN, titlesOf(FOLDER, pages)));
  return pages;
}

/** The pages of the folder that are written by hand, with their titles. */
function titlesOf(folder, generated) {
  const files = readdirSync(folder).filter((file) => file.endsWith('.md') && !generated.has(file) && file !== 'index.md');
  return files.sort().map((file) => ({ file, title: /^# (.+)$/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? file }));
}

/** The pages that are not current: their paths below docs/reference. With `write` they are made so. */
export async function stalePages({ write = false } = {}) {
  const pages = await referencePages();
  const stale = [];
  for (const [path, text] of pages) {
    if (textOf(join(FOLDER, path)) === text) continue;
    stale.push(path);
    if (!write) continue;
    mkdirSync(dirname(join(FOLDER, path)), { recursive: true });
    writeFileSync(join(FOLDER, path), text);
  }
  for (const kind of KINDS) {
    for (const file of filesIn(join(FOLDER, kind))) {
      if (pages.has(`${kind}/${file}`)) continue;
      stale.push(`${kind}/${file}`);
      if (write) rmSync(join(FOLDER, kind, file));
    }
  }
  return stale;
}

function filesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes('--check');
  const stale = await stalePages({ write: !check });
  for (const path of stale) console.log(`docs/reference/${path}`);
  if (check && stale.length > 0) {
    console.error('These pages do not match the definitions. Run `npm run docs:reference` and commit the result.');
    process.exitCode = 1;
  }
}
