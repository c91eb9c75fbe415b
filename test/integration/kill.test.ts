import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect } from 'vitest';
import type { Report } from '../../src/observe/report.js';
import { seeded } from '../support/arena.js';
import { checkPng, type Rows, readCsvRows, readNdjsonRows, readNpyRows } from '../support/read-files.js';
import { operatorPath } from '../support/run-pipeline.js';
import { itFull, testSize } from '../support/test-size.js';

/** One knob: 50 in a soak. */
const KILLS = testSize('MILLRACE_TEST_PROCESS_KILLS', 2, 10);
const SEED = Number(process.env.MILLRACE_TEST_SEED ?? 20_261_124);
const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const PART = /^\..+\.\d+\.part$/;
const LAST_FRAMES = 500;

const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Sinks that keep every row, in order, and how their files are read. */
const ROLLED = { csv: readCsvRows, ndjson: readNdjsonRows, npy: readNpyRows } as const;
/** Sinks of one file a frame, which drop what they cannot keep up with. */
const EACH = ['each', 'image'] as const;
const FOLDERS = [...Object.keys(ROLLED), ...EACH];

/** What is known of a file that was found under its own name. */
interface Finished {
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly rows: Rows;
}

function pipeline(run: number, frames?: number): object {
  return {
    version: 1,
    sources: { s: { type: 'sim', pattern: 'counter', shape: [8, 16], dtype: 'uint8', ...(frames && { frames }) } },
    stages: { rows: { from: 's', operators: [{ type: operatorPath('rows'), run }] } },
    sinks: {
      csv: { type: 'file', from: 'rows', path: 'out/csv/rows.csv', roll: { frames: 700 } },
      ndjson: { type: 'file', from: 'rows', path: 'out/ndjson/rows.ndjson', roll: { seconds: 0.1 } },
      npy: { type: 'file', from: 'rows', path: 'out/npy/{source}.npy', roll: { frames: 900 } },
      each: { type: 'file', from: 'rows', path: 'out/each/{sequence}.npy', overflow: 'drop-newest', capacity: 32 },
      image: { type: 'image', from: 's', path: 'out/image/{sequence}.png', overflow: 'drop-newest', capacity: 8 },
    },
  };
}

function start(run: number, frames?: number): ChildProcess {
  const file = join(folder, 'pipeline.yaml');
  writeFileSync(file, JSON.stringify(pipeline(run, frames)));
  return spawn(process.execPath, [MAIN, 'run', file, '--quiet', '--report', join(folder, 'report.json')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

const list = (name: string): string[] => {
  try {
    return readdirSync(join(folder, 'out', name));
  } catch {
    return [];
  }
};
const named = (name: string): string[] => list(name).filter((file) => !PART.test(file));
const allParts = (): string[] => FOLDERS.flatMap((name) => list(name).filter((file) => PART.test(file)));
/** A file by what stays when it gets another name; its inode alone may be given to another one. */
const identity = (name: string, file: string): string => {
  const { ino, birthtimeMs } = statSync(join(folder, 'out', name, file));
  return `${name} ${ino} ${birthtimeMs}`;
};

describe(`the process is killed ${KILLS} times under load, seed ${SEED}`, () => {
  itFull(
    'no half file under a final name, nothing finished is changed or written twice, the next run starts clean',
    {
      timeout: 3_600_000,
    },
    async () => {
      for (const name of FOLDERS) mkdirSync(join(folder, 'out', name), { recursive: true });
      const finished = new Map<string, Finished>();
      const random = seeded(SEED);
      let underLoad = 0;
      let leftovers = 0;

      /** Reads every file that is new under its own name, and compares those that were there before. */
      const inspect = (): void => {
        const before = new Set(finished.keys());
        for (const name of FOLDERS) {
          for (const file of list(name)) {
            if (PART.test(file)) continue;
            const path = join(folder, 'out', name, file);
            const { ino, size, mtimeMs } = statSync(path);
            const known = finished.get(`${name}/${file}`);
            if (known) {
              expect({ file, ino, size, mtimeMs }).toEqual({ file, ino: known.ino, size: known.size, mtimeMs: known.mtimeMs });
              before.delete(`${name}/${file}`);
              continue;
            }
            if (name === 'image') checkPng(path);
            const rows = name === 'image' ? [] : name === 'each' ? readNpyRows(path) : ROLLED[name as keyof typeof ROLLED](path);
            for (const [run, number, double, both] of rows)
              if (double !== 2 * number! || both !== run! * 1e9 + number!)
                throw new Error(`${path}: the row ${[run, number, double, both]}`);
            finished.set(`${name}/${file}`, { ino, size, mtimeMs, rows });
          }
        }
        expect([...before], 'files that were finished and are gone').toEqual([]);
      };

      let run = 1;
      for (; underLoad < KILLS; run++) {
        const left = new Set(
          FOLDERS.flatMap((name) =>
            list(name)
              .filter((file) => PART.test(file))
              .map((file) => identity(name, file)),
          ),
        );
        const child = start(run);
        let said = '';
        child.stderr!.on('data', (chunk) => {
          said += chunk;
        });
        const ended = once(child, 'exit');
        if (random(4) === 0) {
          // One more, as likely while it starts and takes up what was left.
          await delay(random(1200));
        } else {
          // One file may be what was left; the next is its own.
          const enough = named('csv').length + 2;
          for (let waited = 0; named('csv').length < enough && child.exitCode === null && waited < 30_000; waited += 5) await delay(5);
          await delay(random(500));
          underLoad++;
          const still = FOLDERS.flatMap((name) =>
            list(name)
              .filter((file) => PART.test(file))
              .flatMap((file) => known(name, file, left)),
          );
          expect(still, 'parts of the run before that were not taken up').toEqual([]);
        }
        child.kill('SIGKILL');
        const [code, signal] = (await ended) as [number | null, string | null];
        expect({ code, signal, said: code === null ? '' : said }).toEqual({ code: null, signal: 'SIGKILL', said: '' });
        leftovers += allParts().length;
        inspect();
      }

      const last = start(run, LAST_FRAMES);
      const [code] = (await once(last, 'exit')) as [number | null];
      inspect();
      const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report;
      expect(code).toBe(0);
      expect(report).toMatchObject({ ok: true, balanced: true });
      expect(allParts(), 'parts that nobody took up').toEqual([]);

      const counts: Record<string, number> = {};
      for (const name of Object.keys(ROLLED)) {
        // In the order of their numbers the files of a run hold its frames from the first on, none twice and none missing.
        const files = [...finished].filter(([key]) => key.startsWith(`${name}/`)).sort(([a], [b]) => (a < b ? -1 : 1));
        const next = new Map<number, number>();
        for (const [file, { rows }] of files) {
          for (const [run, number] of rows) {
            if (number !== (next.get(run!) ?? 0))
              throw new Error(`${file}: frame ${number} of run ${run} where ${next.get(run!) ?? 0} was to come`);
            next.set(run!, number! + 1);
          }
        }
        expect(next.get(run)).toBe(LAST_FRAMES);
        counts[name] = [...next.values()].reduce((sum, n) => sum + n, 0);
      }
      const each = [...finished]
        .filter(([key]) => key.startsWith('each/'))
        .flatMap(([, { rows }]) => rows.map(([run, number]) => `${run} ${number}`));
      expect(each.length - new Set(each).size, 'frames that stand in two files').toBe(0);
      counts.each = each.length;
      counts.image = [...finished.keys()].filter((key) => key.startsWith('image/')).length;
      console.log(
        `${run - 1} kills, ${underLoad} of them under load, ${leftovers} parts left behind and taken up; ${finished.size} files with ${JSON.stringify(counts)} rows; seed ${SEED}`,
      );
      expect(leftovers).toBeGreaterThan(0);
    },
  );
});

/** The file, if it is one of those; it may be gone by now. */
function known(name: string, file: string, among: ReadonlySet<string>): string[] {
  try {
    return among.has(identity(name, file)) ? [`${name}/${file}`] : [];
  } catch {
    return [];
  }
}
