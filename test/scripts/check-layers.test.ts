import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itFull, sized } from '../support/test-size.js';

const repository = join(dirname(fileURLToPath(import.meta.url)), '../..');
const script = join(repository, 'scripts/check-layers.mjs');

describe('layer check', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'millrace-layers-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  function check(): { status: number | null; lines: string[] } {
    const { status, stderr, stdout } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
    return { status, lines: `${stdout}${stderr}`.trim().split('\n') };
  }

  function plant(file: string, text: string): void {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }

  itFull('finds a violation planted in a copy of the sources, at its line', () => {
    for (const folder of ['src', 'workers']) cpSync(join(repository, folder), join(root, folder), { recursive: true });
    const before = check().lines;
    const planted = 'src/codecs/raw.ts';
    const line = readFileSync(join(root, planted), 'utf8').split('\n').length;
    appendFileSync(join(root, planted), "import '../run/pipeline.js';\n");
    const after = check();
    expect(after.status).toBe(1);
    const added = after.lines.filter((text) => !before.includes(text) && !text.startsWith('layers:'));
    expect(added).toEqual([`${planted}:${line}: codecs must not import from run (../run/pipeline.js)`]);
  });

  it('passes arrows that point down, and packages in their homes', () => {
    plant('src/errors/e.ts', 'export const e = 1;\n');
    plant('src/ring/park.ts', "import { e } from '../errors/e.js';\nAtomics.wait(new Int32Array(8), e, 0);\n");
    plant('src/agents/stage/a.ts', "import { P } from '../../plan/p.js';\nimport { t } from '../thread/t.js';\n");
    plant('src/run/worker-pool.ts', "import { Piscina } from 'piscina';\n");
    plant('src/transports/zmq-libzmq.ts', "const load = () => import('zeromq');\n");
    plant('workers/w.ts', "import '../src/agents/stage/a.js';\n");
    plant('src/run/thread-handle.ts', 'new Worker(packageFile(`src/threads/${role}.js`));\n');
    plant('src/cli/bench.ts', "new URL('../../bench/run.js', import.meta.url);\n");
    plant('src/modules/load-module.ts', 'await import(url);\n');
    plant('src/codecs/c.ts', "// import '../cli/main.js';\nconst text = \"import '../cli/main.js'\";\n");
    expect(check()).toEqual({ status: 0, lines: ['layers: every import points the right way'] });
  });

  it('has the layers that CONTRIBUTING shows', () => {
    const shown = /^errors\n(?: {2}< .*\n)+/m.exec(readFileSync(join(repository, 'CONTRIBUTING.md'), 'utf8'))![0];
    const rows = shown
      .trimEnd()
      .split('\n')
      .map((row) =>
        row
          .replace(/^ *< /, '')
          .replace(/ {2,}.*/, '')
          .split(', '),
      );
    const [, layers] = /const LAYERS = \[\n([^;]*)\];/.exec(readFileSync(script, 'utf8'))!;
    const checked = [...layers!.matchAll(/\[(.*)\]/g)].map(([, row]) => [...row!.matchAll(/'([^']*)'/g)].map(([, layer]) => layer));
    expect(rows.map((row) => row.map((layer) => (layer === 'index.ts' ? '.' : layer)))).toEqual(checked);
  });

  const violations = [
    ['a layer above', 'src/frame/f.ts', "import '../ring/r.js';", 'frame must not import from ring'],
    ['a sibling', 'src/ingress/i.ts', "import type { X } from '../egress/e.js';", 'ingress must not import from egress'],
    [
      'a type of the run in an agent',
      'src/agents/stage/a.ts',
      "import type { A } from '../../run/r.js';",
      'agents/stage must not import from run',
    ],
    ['another kind of agent', 'src/agents/stage/a.ts', "import '../egress/e.js';", 'agents/stage must not import from agents/egress'],
    ['an agent in the plan', 'src/plan/p.ts', "import '../agents/thread/t.js';", 'plan must not import from agents/thread'],
    ['a re-export', 'src/errors/e.ts', "export * from '../frame/f.js';", 'errors must not import from frame'],
    ['a lazy import', 'src/operators/o.ts', "const o = () => import('../cli/c.js');", 'operators must not import from cli'],
    ['an import type', 'src/observe/o.ts', "type T = import('../run/p.js').T;", 'observe must not import from run'],
    ['the public index from inside', 'src/run/p.ts', "import '../index.js';", 'run must not import from .'],
    ['tests', 'src/cli/c.ts', "import '../../test/support/s.js';", 'cli must not import from outside'],
    ['a client outside its home', 'src/egress/e.ts', "import { Redis } from 'ioredis';", 'only src/transports/redis.ts imports ioredis'],
    ['a subpath of a client', 'src/codecs/c.ts', "import 'h5wasm/node';", 'only src/transports/h5wasm.ts imports h5wasm'],
    [
      'the address of a thread from below',
      'src/plan/p.ts',
      "new URL('../run/thread.js', import.meta.url);",
      'plan must not import from run (../run/thread.js)',
    ],
    ['a thread of the package from below', 'src/plan/p.ts', "packageFile('src/threads/operator.js');", 'plan must not import from workers'],
    ['an import of workers', 'src/run/r.ts', "import '../../workers/operator.js';", 'run must not import from workers'],
    ['the start of a thread', 'src/plan/p.ts', 'new Worker(url);', 'only src/run/thread-handle.ts starts threads'],
    ['an import by a name that is computed', 'src/plan/p.ts', 'await import(name);', 'only src/modules/load-module.ts'],
    ['an address that is computed', 'src/plan/p.ts', 'new URL(name, import.meta.url);', 'only src/modules/load-module.ts'],
    [
      'a file directly in src',
      'src/testing.ts',
      "const t = import('./cli/c.js').then(() => import('../bench/b.js'));",
      '. must not import',
    ],
    ['a wait outside park', 'src/agents/thread/a.ts', 'Atomics.waitAsync(new Int32Array(1), 0, 0);', 'only src/ring/park.ts waits'],
    ['a new folder', 'src/utils/u.ts', '', "the folder 'utils' has no place"],
  ] as const;
  it.each(sized(violations.slice(0, 2), [...violations]))('refuses %s', (_case, file, text, complaint) => {
    plant('workers/.keep', '');
    plant(file, text);
    const { status, lines } = check();
    expect(status).toBe(1);
    expect(lines[0]).toContain(`${file}:1: ${complaint}`);
  });
});
