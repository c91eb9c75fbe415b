// Formats and checks the AssemblyScript sources with Biome, which does not parse decorators on functions: it sees them as
// comments. Without options: exits 1 if a file is not formatted or breaks a rule. --write: formats.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
const FOLDERS = ['src/ring/assembly', 'src/kernels/assembly'];
const LINE_WIDTH = 120;
const MARK = '//decorator';

const withoutDecorators = (text) => text.replace(/^@/gm, `${MARK}@`);
const withDecorators = (text) => text.replaceAll(`${MARK}@`, '@');

/** The settings of the project, with shorter lines and without the rules that name functions of JavaScript. */
function settings() {
  const { formatter, javascript, linter } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
  const rules = { ...linter.rules, complexity: { useMathMinMax: 'off' } };
  return { formatter: { ...formatter, lineWidth: LINE_WIDTH }, javascript, linter: { ...linter, rules } };
}

const copy = mkdtempSync(join(tmpdir(), 'assembly-'));
try {
  writeFileSync(join(copy, 'biome.json'), JSON.stringify(settings()));
  const files = FOLDERS.flatMap((folder) => readdirSync(join(root, folder)).map((file) => join(folder, file)));
  for (const folder of FOLDERS) mkdirSync(join(copy, folder), { recursive: true });
  for (const file of files) writeFileSync(join(copy, file), withoutDecorators(readFileSync(join(root, file), 'utf8')));

  const write = process.argv.includes('--write');
  const { status } = spawnSync(process.execPath, [biome, 'check', ...(write ? ['--write'] : []), 'src'], { cwd: copy, stdio: 'inherit' });
  if (write) for (const file of files) writeFileSync(join(root, file), withDecorators(readFileSync(join(copy, file), 'utf8')));
  process.exitCode = status ?? 1;
  // Biome does not wrap comments.
  for (const file of files)
    for (const [i, line] of readFileSync(join(root, file), 'utf8').split('\n').entries())
      if (line.length > LINE_WIDTH) {
        console.error(`${file}:${i + 1}: longer than ${LINE_WIDTH} columns`);
        process.exitCode = 1;
      }
} finally {
  rmSync(copy, { recursive: true });
}
