import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareSink } from '../../../src/cli/test/compare.js';
import { writeNpy } from '../../../src/codecs/npy.js';
import { itFull } from '../../support/test-size.js';

const MAIN = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'millrace-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

function millraceTest(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, 'test', ...args], { cwd: folder, encoding: 'utf8' });
}

beforeAll(() => {
  // Two branches: one of 2 workers, and one that samples. Neither the address nor the folder is ever used.
  write(
    'p.yaml',
    `version: 1
sources:
  camera: { type: zmq, socket: pull, connect: "tcp://127.0.0.1:1", maxFrame: 4KiB }
stages:
  cut: { from: camera, workers: 2, operators: [{ type: threshold, below: 5 }, { type: rebin, factor: 2 }, { type: ./small.mjs }] }
  some: { from: camera, overflow: { sample: 2 }, operators: [] }
sinks:
  sums: { type: file, from: cut, path: "never/{ordinal}.npy" }
  raw: { type: "null", from: some, required: false }
deadLetters: { directory: never }
`,
  );
  write(
    'small.mjs',
    `export default () => ({ process(frame, out) {
      if (frame.data[0] === 66) throw new Error('no 66');
      if (frame.data[0] < 50) out.emit(frame);
    } });\n`,
  );
  // numpy: np.stack([np.full((2, 2), n) for n in (1, 5, 9)]) thresholded below 5 and summed by 2 x 2 blocks: 0, 20, 36.
  writeFileSync(
    join(folder, 'three.npy'),
    writeNpy({ dtype: 'uint16', shape: [3, 2, 2], data: Uint16Array.from([1, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9]) }),
  );
});

describe('millrace test', () => {
  it('passes where sinks and ledgers are as expected, with frames of lists and of files', () => {
    write(
      'p.test.yaml',
      `cases:
  - name: lists
    source:
      camera: { dtype: uint16, frames: [[[1, 7], [9, 2]], [[20, 20], [20, 20]], [[0, 0], [0, 8]]] }
    expect:
      sinks:
        sums: { frames: [[[16]], [[8]]] }
        raw: { count: 2, dtype: uint16, frames: [[[1, 7], [9, 2]], [[0, 0], [0, 8]]] }
      ledger:
        camera: { received: 3, delivered: 2, filtered: 1, dead: 0, dropped: 0 }
  - name: a file
    source:
      camera: { file: three.npy }
    expect:
      sinks:
        sums: { count: 3, frames: [[[0]], [[20.4]], [[35.6]]], tolerance: 0.5 }
  - name: dead frames that are expected
    source:
      camera: { dtype: uint16, frames: [[[30, 12], [12, 12]], [[5, 5], [5, 5]]] }
    expect:
      sinks: { sums: { count: 1 } }
      ledger: { camera: { dead: { operator-failed: 1 } } }
  - name: nothing at all
    expect:
      sinks: { sums: { count: 0 } }
`,
    );
    const { status, stdout, stderr } = millraceTest('p.test.yaml');
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^pass {2}lists \(\d+ ms\)\npass {2}a file .*\npass {2}dead frames .*\npass {2}nothing at all .*\np\.test\.yaml: 4 passed, 0 failed\n$/,
    );
    expect(status).toBe(0);
  });

  it('says what differs, and ends with 1', () => {
    write(
      'fails.test.yaml',
      `pipeline: p.yaml
cases:
  - name: values
    source: { camera: { dtype: uint16, frames: [[[1, 7], [9, 2]], [[5, 5], [5, 5]]] } }
    expect:
      sinks:
        sums: { frames: [[[16]], [[21]], [[3]]], tolerance: { relative: 0.01 } }
        raw: { frames: [[[1, 7, 8]]] }
      ledger: { camera: { filtered: 2 } }
  - name: dead
    source: { camera: { dtype: uint16, frames: [[[30, 12], [12, 12]]] } }
    expect: { sinks: { sums: { count: 0 } } }
  - name: whole numbers of 64 bits
    source: { camera: { dtype: int64, frames: [[[1, 2], [3, 4]]] } }
    expect: { sinks: { raw: { frames: [[[1, 3], [3, 4]]] } } }
  - name: no blocks of two rows
    source: { camera: { dtype: uint16, frames: [[[1, 2]]] } }
    expect: { sinks: { sums: { count: 0 } } }
`,
    );
    const { status, stdout } = millraceTest('fails.test.yaml');
    expect(status).toBe(1);
    for (const line of [
      "      sink 'sums': expected 3 frames, found 2",
      "      sink 'sums', frame 1, item [0, 0]: expected 21, found 20 (tolerance 0.01 relative); 1 of 1 items differ",
      "      sink 'raw', frame 0: expected shape [1, 3], found [2, 2]",
      "      ledger of 'camera', filtered: expected 2, found 0",
      "      sink 'raw', frame 0, item [0, 1]: expected 3, found 2 (tolerance 0); 1 of 4 items differ",
    ])
      expect(stdout.split('\n')).toContain(line);
    expect(stdout).toMatch(/^FAIL {2}dead .*\n {6}the run failed: .*camera.*no 66/m);
    expect(stdout).toMatch(/^FAIL {2}no blocks .*\n {6}the pipeline failed to start: .*rebin.*\[ERR_/m);
    expect(stdout).toContain('fails.test.yaml: 0 passed, 4 failed');
    const json = JSON.parse(millraceTest('fails.test.yaml', '--json').stdout) as {
      ok: boolean;
      files: { cases: { name: string; ok: boolean; differences: object[] }[] }[];
    };
    expect(json.ok).toBe(false);
    expect(json.files[0]!.cases[0]!.differences).toContainEqual(
      expect.objectContaining({ kind: 'value', node: 'sums', frame: 1, index: [0, 0], expected: 21, found: 20 }),
    );
  });

  itFull('ends with 78 and names line and column where the test file or its pipeline is wrong', () => {
    write(
      'bad.test.yaml',
      `pipeline: p.yaml
cases:
  - name: a
    source:
      kamera: { frames: [[1]] }
      camera: { dtype: uint8, frames: [[[1, 2], [3]], [300], [[x]]] }
    expect:
      sinks:
        sums: { file: gone.npy }
        some: { count: 1 }
      ledger: { cut: { received: 1 } }
`,
    );
    const { status, stderr } = millraceTest('bad.test.yaml');
    expect(status).toBe(78);
    expect(stderr.split('\n').slice(0, -1)).toEqual([
      "millrace: bad.test.yaml:5:7: the pipeline has no source 'kamera', did you mean 'camera'? [ERR_CONFIG_INVALID]",
      'millrace: bad.test.yaml:6:49: the rows of a frame have equal lengths: expected a list of 2 [ERR_CONFIG_INVALID]',
      'millrace: bad.test.yaml:6:56: 300 does not fit into uint8 [ERR_CONFIG_INVALID]',
      'millrace: bad.test.yaml:6:64: expected a number, not "x" [ERR_CONFIG_INVALID]',
      expect.stringMatching(/^millrace: bad\.test\.yaml:9:23: 'gone\.npy' cannot be read: .*ENOENT.* \[ERR_CONFIG_FILE\]$/),
      expect.stringContaining("bad.test.yaml:10:9: the pipeline has no sink 'some'"),
      expect.stringContaining("bad.test.yaml:11:17: the pipeline has no source 'cut'"),
    ]);
    write('keys.test.yaml', 'pipeline: p.yaml\ncase: []\n');
    expect(millraceTest('keys.test.yaml').stderr).toMatch(/keys\.test\.yaml:2:1: unknown key 'case', did you mean 'cases'\?/);
    write('wrong.yaml', 'version: 1\nsources:\n  s: { type: simm }\nsinks:\n  o: { type: "null", from: s }\n');
    write('wrong.test.yaml', 'cases: [{ name: a, expect: { sinks: { o: { count: 1 } } } }]\n');
    const pipeline = millraceTest('wrong.test.yaml');
    expect([pipeline.status, pipeline.stderr]).toEqual([78, expect.stringContaining('wrong.yaml:3:')]);
    expect(millraceTest('gone.test.yaml').status).toBe(78);
  });
});

describe('frames are compared', () => {
  const frame = (data: number[], shape = [data.length]) => ({ dtype: 'float64' as const, shape, data: Float64Array.from(data) });
  const exact = { absolute: 0, relative: 0 };

  it('with NaN equal to NaN only, and infinities to themselves', () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, -0];
    expect(compareSink('s', { frames: [frame(values)], tolerance: exact }, [frame([Number.NaN, Number.POSITIVE_INFINITY, 0])])).toEqual([]);
    for (const other of [
      [0, Number.POSITIVE_INFINITY, 0],
      [Number.NaN, Number.NEGATIVE_INFINITY, 0],
      [Number.NaN, 1, 0],
    ])
      expect(compareSink('s', { frames: [frame(values)], tolerance: { absolute: 1, relative: 0 } }, [frame(other)])).toHaveLength(1);
  });

  it('exactly in 64 bits', () => {
    const of = (value: bigint) => ({ dtype: 'uint64' as const, shape: [1], data: BigUint64Array.from([value]) });
    expect(compareSink('s', { frames: [of(2n ** 60n)], tolerance: exact }, [of(2n ** 60n + 1n)])).toHaveLength(1);
  });

  it('row by row where the expected table has one dimension more', () => {
    const table = frame([1, 2, 3, 4], [2, 2]);
    expect(compareSink('s', { frames: [table], tolerance: exact }, [frame([1, 2]), frame([3, 4])])).toEqual([]);
    expect(compareSink('s', { frames: [table], tolerance: exact }, [frame([1, 2]), frame([3, 5])])).toMatchObject([
      { frame: 1, index: [1] },
    ]);
  });

  it('and a long list of differences is cut', () => {
    const frames = Array.from({ length: 9 }, () => frame([1]));
    expect(
      compareSink(
        's',
        { frames, tolerance: exact },
        frames.map(() => frame([2])),
      ),
    ).toHaveLength(6);
  });
});
