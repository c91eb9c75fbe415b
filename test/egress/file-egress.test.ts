import { existsSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { array10 } from '../../src/codecs/array-1.0.js';
import { readNpy } from '../../src/codecs/npy.js';
import type { Egress } from '../../src/egress/egress.js';
import { type FileEgressOptions, fileEgress } from '../../src/egress/file-egress.js';
import { SILENT } from '../../src/errors/logger.js';
import { plainFrame } from '../support/plain-frame.js';
import { pythonHas, runPython } from '../support/python.js';

/** numpy.save of array([7, 8], dtype='uint8'): magic, version 1.0, 118 bytes of header, two items. */
const npyBytes = Buffer.concat([
  Buffer.from("\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }".padEnd(127), 'latin1'),
  Buffer.from('\n\x07\x08'),
]);

let folder: string;
const opened: Egress[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'file-egress-'));
});
afterEach(async () => {
  // A sink that plays a crash has lost its part by now, and its closing fails.
  for (const egress of opened.splice(0)) await egress.close().catch(() => {});
  rmSync(folder, { recursive: true, force: true });
});

async function sink(options: FileEgressOptions): Promise<Egress> {
  const egress = fileEgress.create(options, {
    name: 'out',
    codec: array10,
    baseDir: folder,
    log: SILENT,
    signal: new AbortController().signal,
    outage: () => {},
  });
  await egress.open();
  opened.push(egress);
  return egress;
}

const names = () => readdirSync(folder).sort();
const text = (name: string) => readFileSync(path.join(folder, name), 'utf8');
const profile = (ordinal: number, sequence = ordinal) =>
  plainFrame([2, 3], [1, 2, 3, 10 * ordinal, 0.5, Number.NaN], { ordinal, sequence, meta: { columns: ['q', 'I, counts'] } });
const picture = (ordinal: number, side = 2) =>
  plainFrame(
    [side, 2],
    Uint16Array.from({ length: side * 2 }, (_, index) => ordinal * 100 + index),
    { ordinal },
  );

describe('one file a frame', () => {
  test('each NPY file holds its frame, named with leading zeros, and is there when write resolves', async () => {
    const egress = await sink({ path: '{source}/f_{sequence:04}.npy' });
    await egress.write([
      plainFrame([2], [1.5, -2], { ordinal: 0, sequence: 7 }),
      plainFrame([1, 1], Int32Array.of(9), { ordinal: 1, sequence: 12345, source: '../up' }),
    ]);
    expect(readNpy(readFileSync(path.join(folder, 'detector/f_0007.npy')))).toEqual({
      dtype: 'float64',
      shape: [2],
      data: Float64Array.of(1.5, -2),
    });
    expect(readNpy(readFileSync(path.join(folder, '_._up/f_12345.npy'))).data).toEqual(Int32Array.of(9));
    await egress.close();
    expect(existsSync(path.join(folder, '../up'))).toBe(false);
  });

  test('a profile as CSV is the header line and one row a bin', async () => {
    const egress = await sink({ path: 'p{ordinal}.csv' });
    await egress.write([profile(4)]);
    expect(text('p4.csv')).toBe('q,"I, counts"\n1,40\n2,0.5\n3,NaN\n');
  });

  test('an existing file is never replaced', async () => {
    writeFileSync(path.join(folder, 'f0.npy'), 'precious');
    const egress = await sink({ path: 'f{ordinal}.npy' });
    await egress.write([picture(0), picture(0)]);
    expect(text('f0.npy')).toBe('precious');
    expect(names()).toEqual(['f0-000001.npy', 'f0-000002.npy', 'f0.npy']);
  });

  test('a frame that CSV cannot hold is refused, the others are written', async () => {
    const egress = await sink({ path: 'p{ordinal}.csv' });
    const delivery = await egress.write([profile(0), picture(1), profile(2)]);
    expect(delivery?.refused).toMatchObject([{ index: 1, reason: 'encode-failed' }]);
    expect(names()).toEqual(['p0.csv', 'p2.csv']);
  });
});

describe('rolled files', () => {
  test('a new file begins after so many frames, numbered before the extension', async () => {
    const egress = await sink({ path: 'run.ndjson', roll: { frames: 2 } });
    await egress.write([0, 1, 2, 3, 4].map((ordinal) => picture(ordinal)));
    await egress.flush!();
    await egress.close();
    expect(names()).toEqual(['run-000001.ndjson', 'run-000002.ndjson', 'run-000003.ndjson']);
    const lines = names()
      .flatMap((name) => text(name).trim().split('\n'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map((line) => line.ordinal)).toEqual([0, 1, 2, 3, 4]);
    expect(lines[3]).toEqual({
      sequence: 3,
      ordinal: 3,
      source: 'detector',
      timestamp: null,
      shape: [2, 2],
      dtype: 'uint16',
      meta: {},
      data: [
        [300, 301],
        [302, 303],
      ],
    });
  });

  test('numbers go on after the highest that is there', async () => {
    writeFileSync(path.join(folder, 'run-000041.csv'), 'old');
    const egress = await sink({ path: 'run.csv', roll: { frames: 1 } });
    await egress.write([profile(0)]);
    expect(names()).toEqual(['run-000041.csv', 'run-000042.csv']);
    expect(text('run-000041.csv')).toBe('old');
  });

  test('rolled CSV has one header and the sequence first; other columns begin another file', async () => {
    const egress = await sink({ path: 'all.csv' });
    await egress.write([profile(0, 70), profile(1, 71), plainFrame([2], [5, 6], { sequence: 72, meta: { columns: ['sum', 'max'] } })]);
    await egress.close();
    expect(text('all.csv')).toBe('sequence,q,"I, counts"\n70,1,0\n70,2,0.5\n70,3,NaN\n71,1,10\n71,2,0.5\n71,3,NaN\n');
    expect(text('all-000001.csv')).toBe('sequence,sum,max\n72,5,6\n');
  });

  test('a stack of NPY frames has their number in its header; another shape begins another file', async () => {
    const egress = await sink({ path: 'stack.npy' });
    await egress.write([picture(0), picture(1)]);
    await egress.write([picture(2), picture(3, 3)]);
    await egress.close();
    expect(readNpy(readFileSync(path.join(folder, 'stack.npy')))).toEqual({
      dtype: 'uint16',
      shape: [3, 2, 2],
      data: Uint16Array.of(0, 1, 2, 3, 100, 101, 102, 103, 200, 201, 202, 203),
    });
    expect(readNpy(readFileSync(path.join(folder, 'stack-000001.npy'))).shape).toEqual([1, 3, 2]);
  });

  test('a file is finished at its age, even when no frame comes', async () => {
    const egress = await sink({ path: 'aged.ndjson', roll: { seconds: 0.1 } });
    await egress.write([picture(0)]);
    expect(names()).toEqual(['.aged-000001.ndjson.0.part']);
    await sleep(300);
    expect(names()).toEqual(['aged-000001.ndjson']);
    await egress.close();
  });

  test('the bytes are with the kernel when write resolves, under a hidden name until the file is complete', async () => {
    const egress = await sink({ path: 'all.ndjson' });
    await egress.write([picture(0), picture(1)]);
    expect(names()).toEqual(['.all.ndjson.0.part']);
    expect(text('.all.ndjson.0.part').split('\n')).toHaveLength(3);
    await egress.close();
    expect(names()).toEqual(['all.ndjson']);
  });
});

describe('what an earlier run left unfinished', () => {
  test('a file that was named already is not published a second time', async () => {
    writeFileSync(path.join(folder, '.f3.npy.0.part'), npyBytes);
    linkSync(path.join(folder, '.f3.npy.0.part'), path.join(folder, 'f3.npy'));
    await sink({ path: 'f{ordinal}.npy' });
    expect(names()).toEqual(['f3.npy']);
    expect(readFileSync(path.join(folder, 'f3.npy'))).toEqual(npyBytes);
  });

  test('CSV is recovered to its last whole row and never over a file that is there', async () => {
    writeFileSync(path.join(folder, '.run-000002.csv.0.part'), 'sequence,q\n1,0.5\n2,0.75\n3,0.');
    writeFileSync(path.join(folder, 'run-000002.csv'), 'precious');
    const egress = await sink({ path: 'run.csv', roll: { frames: 1 } });
    expect(names()).toEqual(['run-000002-000001.csv', 'run-000002.csv']);
    expect(text('run-000002-000001.csv')).toBe('sequence,q\n1,0.5\n2,0.75\n');
    expect(text('run-000002.csv')).toBe('precious');
    await egress.close();
  });

  test('a stack of NPY frames gets the number of its whole frames', async () => {
    const first = await sink({ path: 'stack.npy' });
    await first.write([picture(0), picture(1), picture(2)]);
    const part = path.join(folder, '.stack.npy.0.part');
    writeFileSync(part, readFileSync(part).subarray(0, -1));
    const second = await sink({ path: 'stack.npy' });
    expect(names()).toEqual(['stack.npy']);
    expect(readNpy(readFileSync(path.join(folder, 'stack.npy')))).toMatchObject({
      shape: [2, 2, 2],
      data: Uint16Array.of(0, 1, 2, 3, 100, 101, 102, 103),
    });
    await second.write([picture(5)]);
    await second.close();
    expect(names()).toEqual(['stack-000001.npy', 'stack.npy']);
  });

  test('every line of NDJSON that write promised is there after a crash', async () => {
    const first = await sink({ path: 'log.ndjson' });
    for (let ordinal = 0; ordinal < 50; ordinal++) await first.write([picture(ordinal)]);
    await (await sink({ path: 'log.ndjson' })).close();
    expect(
      text('log.ndjson')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).ordinal),
    ).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('a frame of its own file that may lack its end gets a name that says so', async () => {
    writeFileSync(path.join(folder, '.p7.csv.0.part'), 'q,I\n1,2\n3,');
    writeFileSync(path.join(folder, '.f8.csv.0.part'), 'another sink');
    await sink({ path: 'p{ordinal}.csv' });
    expect(names()).toEqual(['.f8.csv.0.part', 'p7-recovered.csv']);
    expect(text('p7-recovered.csv')).toBe('q,I\n1,2\n');
  });

  test.each([
    ['a header alone', 'run.csv', 'sequence,q\n'],
    ['half a line', 'run.ndjson', '{"seq'],
    ['half a header', 'run.npy', '\x93NUMPY'],
    ['nothing', 'run.csv', ''],
  ])('%s holds nothing and goes', async (_name, file, content) => {
    writeFileSync(path.join(folder, `.${file}.0.part`), content, 'latin1');
    await sink({ path: file });
    expect(names()).toEqual([]);
  });
});

test.each<[string, FileEgressOptions]>([
  ['an unknown placeholder', { path: '{frame}.npy' }],
  ['an unknown extension', { path: 'a.dat' }],
  ['roll with one file a frame', { path: '{ordinal}.npy', roll: { frames: 2 } }],
])('%s is a mistake in the configuration', (_name, options) => {
  expect(() => fileEgress.check!(options, { baseDir: folder })).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }));
});

test('a folder that cannot be made is a failure of the sink, named', async () => {
  writeFileSync(path.join(folder, 'file'), '');
  await expect(sink({ path: 'file/x.npy' })).rejects.toThrow();
});

test.skipIf(!pythonHas('numpy'))('numpy reads a rolled stack and a CSV with its header (needs python3 with numpy)', async () => {
  const stack = await sink({ path: 'stack.npy' });
  await stack.write([picture(0), picture(1)]);
  await stack.close();
  const csv = await sink({ path: 'p.csv' });
  await csv.write([profile(3)]);
  await csv.close();
  const out = runPython(
    'import numpy,sys\na=numpy.load(sys.argv[1]+"/stack.npy")\nprint(a.dtype,a.shape,a[1].tolist())\nb=numpy.loadtxt(sys.argv[1]+"/p.csv",delimiter=",",skiprows=1)\nprint(b.tolist())',
    folder,
  );
  expect(out).toBe('uint16 (2, 2, 2) [[100, 101], [102, 103]]\n[[3.0, 1.0, 30.0], [3.0, 2.0, 0.5], [3.0, 3.0, nan]]\n');
});
