// Holds the import arrows of the layout: node scripts/check-layers.mjs [ROOT]. Prints file:line of each offence, exits 1.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

// Each row may import from the rows above it and from its own folder. `.` stands for the files directly under src.
const LAYERS = [
  ['errors'],
  ['memory', 'frame', 'modules'],
  ['ring', 'kernels', 'geometry', 'codecs', 'transports', 'observe'],
  ['operators', 'ingress', 'egress', 'dead-letters'],
  ['spec'],
  ['plan'],
  ['agents/thread'],
  ['agents/ingress', 'agents/stage', 'agents/egress'],
  ['run'],
  ['control'],
  ['cli', 'workers', '.'],
];

// Arrows beside or against the rows, each with its reason.
const EXCEPTIONS = [
  { from: 'transports', to: 'codecs' }, // a reader of files reports format errors in the codecs' words
  { from: 'cli', to: 'bench', urlsOnly: true }, // `millrace bench` starts the benches of a clone as a program of their own
  { from: 'run', to: 'workers', urlsOnly: true }, // threads start from the files of workers
];

// Packages that one file alone may import, so that they stay replaceable and are loaded lazily.
const HOMES = {
  piscina: 'src/run/worker-pool.ts',
  zeromq: 'src/transports/zmq-libzmq.ts',
  ioredis: 'src/transports/redis.ts',
  kafkajs: 'src/transports/kafka.ts',
  sharp: 'src/transports/sharp.ts',
  h5wasm: 'src/transports/h5wasm.ts',
  fzstd: 'src/codecs/decompress/zstd.ts',
};
// Calls that load the package that they name.
const LOADERS = new Set(['require', 'requireDependency', 'loadOptional', 'importByName']);
const WAITING = 'src/ring/park.ts';
// Files that start threads, beside the one home of Piscina.
const STARTING = ['src/run/thread-handle.ts'];
// Files that load or locate what only a user or an installation can name.
const COMPUTED = ['src/modules/load-module.ts', 'src/transports/load-optional.ts', 'src/cli/version.ts'];

const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'));
const rank = new Map(LAYERS.flatMap((row, index) => row.map((layer) => [layer, index])));
const offences = [];

for (const file of [...sources('src'), ...sources('workers')]) check(file);
for (const offence of offences) console.error(offence);
if (offences.length > 0) {
  console.error(`layers: ${offences.length} imports or calls against the layout`);
  process.exitCode = 1;
} else console.log('layers: every import points the right way');

function sources(folder) {
  // AssemblyScript imports nothing of the rest and is another language.
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.m?[jt]s$/.test(entry.name) && !entry.parentPath.split(sep).includes('assembly'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

/** `src/ring/park.ts` -> `ring`, `src/index.ts` -> `.`, `workers/ingress.ts` -> `workers`; undefined outside these. */
function layerOf(path) {
  const parts = path.split('/');
  if (parts[0] === 'workers' || parts[0] === 'bench') return parts[0];
  if (parts[0] !== 'src') return undefined;
  if (parts.length <= 2) return '.';
  // Each kind of thread is a layer of its own.
  return parts[1] === 'agents' && parts.length > 3 ? `agents/${parts[2]}` : parts[1];
}

function check(file) {
  const tree = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const complain = (node, text) => {
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
    offences.push(`${file}:${line + 1}: ${text}`);
  };
  if (!rank.has(layerOf(file))) offences.push(`${file}:1: the folder '${layerOf(file)}' has no place in the layout`);
  visit(tree);

  function visit(node) {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      if (node.moduleSpecifier) follow(node, node.moduleSpecifier.text, erased(node));
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      follow(node, node.argument.literal.text, !node.isTypeOf);
    } else if (ts.isCallExpression(node) && isLoad(node.expression)) {
      const [target] = node.arguments;
      if (target && ts.isStringLiteralLike(target)) follow(node, target.text, false);
      else if (node.expression.kind === ts.SyntaxKind.ImportKeyword) computed(node, 'imports');
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'URL' && node.arguments?.[1]?.getText() === 'import.meta.url') {
      const [target] = node.arguments;
      if (ts.isStringLiteralLike(target)) followFile(node, resolve(root, dirname(file), target.text), target.text);
      else computed(node, 'locates');
    } else if (ts.isCallExpression(node) && node.expression.getText() === 'packageFile') {
      const [target] = node.arguments;
      // The head of a template names the folder; `*` stands for the file.
      const path = ts.isTemplateExpression(target) ? `${target.head.text}*` : target.text;
      if (path?.startsWith('src/')) followFile(node, resolve(root, path.replace(/^src\/threads\//, 'workers/')), path);
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'Worker') {
      if (!STARTING.includes(file)) complain(node, `only ${STARTING.join(', ')} starts threads`);
    } else if (ts.isPropertyAccessExpression(node) && node.expression.getText() === 'Atomics' && /^wait(Async)?$/.test(node.name.text)) {
      if (file !== WAITING) complain(node, `only ${WAITING} waits on atomics`);
    }
    ts.forEachChild(node, visit);
  }

  function computed(node, does) {
    if (!COMPUTED.includes(file)) complain(node, `only ${COMPUTED.join(', ')} ${does} what no literal names`);
  }

  /** A file that is named by its address, such as that of a thread or of a WebAssembly module. */
  function followFile(node, path, text) {
    arrow(node, relative(root, path), text, (way) => way.urlsOnly);
  }

  function follow(node, target, typesOnly) {
    if (!target.startsWith('.')) {
      const name = Object.keys(HOMES).find((known) => target === known || target.startsWith(`${known}/`));
      if (name && file !== HOMES[name]) complain(node, `only ${HOMES[name]} imports ${name}`);
      return;
    }
    const path = relative(root, resolve(root, dirname(file), target));
    arrow(node, path, target, (way) => !way.urlsOnly && (typesOnly || !way.typesOnly));
  }

  function arrow(node, path, target, isExcepted) {
    const from = layerOf(file);
    const to = layerOf(path.split(sep).join('/'));
    if (from === to) return;
    const allowed = rank.get(to) < rank.get(from) || EXCEPTIONS.some((way) => way.from === from && way.to === to && isExcepted(way));
    if (!allowed) complain(node, `${from} must not import from ${to ?? 'outside src and workers'} (${target})`);
  }
}

function isLoad(expression) {
  return expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(expression) && LOADERS.has(expression.text));
}

/** Whether nothing of an import or re-export is left at run time. */
function erased(node) {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (!clause) return false;
  if (clause.isTypeOnly) return true;
  const named = clause.namedBindings;
  return (
    !clause.name &&
    !!named &&
    ts.isNamedImports(named) &&
    named.elements.length > 0 &&
    named.elements.every((element) => element.isTypeOnly)
  );
}
