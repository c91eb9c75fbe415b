// Compiles AssemblyScript (ring, kernels) next to its source and into dist, then TypeScript into dist, bundles the code of
// the threads, and brings the generated sources up to date: the layout that AssemblyScript uses, and the types of the builder's
// options. With --frozen it fails where they are not.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { writeAssemblyLayout } from './assembly-layout.mjs';
import { writeOptionTypes } from './option-types.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const asc = join(root, 'node_modules/assemblyscript/bin/asc.js');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
// A shared memory's maximum must not exceed what the module declares: 65536 pages is all that wasm32 can have.
const FLAGS =
  '-O3 --noAssert --runtime stub --importMemory --sharedMemory --initialMemory 1 --maximumMemory 65536 --enable simd,threads,bulk-memory'.split(
    ' ',
  );

function newer(folder, target) {
  const sources = readdirSync(folder).map((file) => join(folder, file));
  return (
    !existsSync(target) ||
    [...sources, fileURLToPath(import.meta.url)].some((source) => statSync(source).mtimeMs > statSync(target).mtimeMs)
  );
}

function compile(from, to) {
  execFileSync(process.execPath, [asc, from, ...FLAGS, '-o', to], { stdio: 'inherit', cwd: root });
}

/** `patch`: changes each file of the source's folder. */
function assembly(source, target, patch) {
  const from = join(root, 'src', source);
  const to = join(root, 'src', target);
  const folder = dirname(from);
  if (newer(folder, to)) {
    if (patch) {
      const patched = `${folder}-patched`;
      mkdirSync(patched, { recursive: true });
      for (const file of readdirSync(folder)) writeFileSync(join(patched, file), patch(readFileSync(join(folder, file), 'utf8')));
      compile(join(patched, basename(from)), to);
      rmSync(patched, { recursive: true });
    } else compile(from, to);
  }
  const out = join(root, 'dist/src', target);
  mkdirSync(dirname(out), { recursive: true });
  copyFileSync(to, out);
}

const frozen = process.argv.includes('--frozen');
function refuseOld(file, sources) {
  console.error(`${file} does not match ${sources}: run npm run build and commit it`);
  process.exit(1);
}

if ((await writeAssemblyLayout({ frozen })) && frozen) refuseOld('src/ring/assembly/layout.ts', 'the layouts in TypeScript');
assembly('ring/assembly/ring.ts', 'ring/ring.wasm');
// For tests of the recovery: the same, ending a thread at a numbered step.
assembly('ring/assembly/ring.ts', 'ring/ring.fault.wasm', (source) =>
  source.replace('const FAULT: bool = false;', 'const FAULT: bool = true;'),
);
for (const file of readdirSync(join(root, 'src/kernels/assembly'))) {
  if (file.endsWith('.ts')) assembly(`kernels/assembly/${file}`, `kernels/${file.replace(/\.ts$/, '.wasm')}`);
}

const compileTypeScript = () => execFileSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], { stdio: 'inherit', cwd: root });
let failure;
try {
  compileTypeScript();
} catch (error) {
  failure = error; // it may be that the generated types are old: what was emitted tells the new ones
}
if (await writeOptionTypes({ frozen })) {
  if (frozen) refuseOld('src/spec/option-types.ts', 'the schemas');
  compileTypeScript();
} else if (failure) {
  process.exitCode = 1;
}

// A thread starts three times faster from one file than from its 180 modules. The folder is as deep below dist as that of
// src/memory/package-file.ts, which finds the other files from its own place.
const threads = join(root, 'dist/src/threads');
const { metafile } = buildSync({
  entryPoints: ['ingress', 'operator', 'egress'].map((role) => join(root, `dist/workers/${role}.js`)),
  outdir: threads,
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  chunkNames: 'shared-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: 'linked',
  metafile: true,
  logLevel: 'warning',
});
// What an earlier build left. A run that is going on may still start threads from the new files.
const made = new Set(Object.keys(metafile.outputs).map((file) => basename(file)));
for (const file of readdirSync(threads)) if (!made.has(file)) rmSync(join(threads, file));
