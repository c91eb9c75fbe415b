import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { array10 } from '../../src/codecs/array-1.0.js';
import { readNpy, writeNpy } from '../../src/codecs/npy.js';
import { SILENT } from '../../src/errors/logger.js';
import type { FrameHeader } from '../../src/frame/frame.js';
import { matchFiles } from '../../src/ingress/file/match-files.js';
import { type FileIngressOptions, fileIngress } from '../../src/ingress/file-ingress.js';
import type { FrameWriter } from '../../src/ingress/ingress.js';
import { readGolden } from '../golden/read-golden.js';
import { pythonHas, runPython } from '../support/python.js';

const shared = process.env.MILLRACE_SHARED ?? path.resolve(import.meta.dirname, '../../../shared');
const ceria = path.join(shared, 'data/hexrd-bsd3/ceria_50x30_740mm_000005_Pilatus2M.hdf5');
const ceriaMask = path.join(shared, 'data/hexrd-bsd3/ceria_Pilatus2M.mask.npy.gz');
const thaumatin = path.join(shared, 'data/dials-ccby4/thau_3_2_0001.cbf.bz2');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'file-ingress-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const golden = readGolden<{ name: string; file: string }[]>('image-files');
const goldenFile = (name: string): string => golden.find((file) => file.name === name)!.file;

interface Taken {
  header: FrameHeader;
  bytes: Uint8Array;
}

class Recorder implements FrameWriter {
  startSeries = async (): Promise<boolean> => true;
  endSeries = async (): Promise<boolean> => true;
  readonly maxBytes = 2 ** 30;
  readonly taken: Taken[] = [];
  readonly refused: string[] = [];
  onFrame: (count: number) => boolean = () => true;
  claim(): undefined {
    throw new Error('not used');
  }
  async ready(): Promise<void> {}
  write(header: FrameHeader, data: Uint8Array): boolean {
    this.taken.push({ header, bytes: Uint8Array.from(data) });
    return this.onFrame(this.taken.length);
  }
  refuse(reason: string, detail: string): void {
    this.refused.push(`${reason}: ${detail}`);
  }
}

async function run(options: FileIngressOptions, recorder = new Recorder(), signal = new AbortController().signal): Promise<Recorder> {
  const ingress = fileIngress.create(options, { name: 'in', codec: array10, baseDir: folder, maxFrameBytes: 2 ** 24, log: SILENT });
  await ingress.open();
  await ingress.run(recorder, signal);
  await ingress.close();
  return recorder;
}

const image = (start: number, shape = [2, 2]) =>
  writeNpy({ dtype: 'uint16', shape, data: Uint16Array.from({ length: shape.reduce((a, b) => a * b) }, (_, index) => start + index) });
const firstItems = (recorder: Recorder) => recorder.taken.map(({ bytes }) => bytes[0]! | (bytes[1]! << 8));

describe('patterns', () => {
  beforeEach(() => {
    for (const name of ['a/f_10.npy', 'a/f_9.npy', 'a/f_9.txt', 'a/b/c/f_1.npy', 'a/.hidden.npy', 'a/f[1].npy', 'x(y)/z.npy']) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), '');
    }
  });

  test.each<[string, string[]]>([
    ['a/f_9.npy', ['a/f_9.npy']],
    ['a/*.npy', ['a/f_9.npy', 'a/f_10.npy', 'a/f[1].npy']],
    ['a/f_?.npy', ['a/f_9.npy']],
    ['a/f_9.*', ['a/f_9.npy', 'a/f_9.txt']],
    ['**/f_*.npy', ['a/b/c/f_1.npy', 'a/f_9.npy', 'a/f_10.npy']],
    ['a/**/f_1.npy', ['a/b/c/f_1.npy']],
    ['a/f[1].npy', ['a/f[1].npy']],
    ['x(y)/*', ['x(y)/z.npy']],
    ['a/.*.npy', ['a/.hidden.npy']],
    ['a', []],
    ['no/*', []],
  ])('%s names %j', (pattern, expected) => {
    expect(
      matchFiles(pattern, folder)
        .map((file) => path.relative(folder, file))
        .sort(),
    ).toEqual([...expected].sort());
  });

  test('files come in natural order', () => {
    expect(matchFiles('a/f_*.npy', folder).map((file) => path.basename(file))).toEqual(['f_9.npy', 'f_10.npy']);
  });
});

test('an image is one frame, a stack is many, and numbers run over all files', async () => {
  writeFileSync(path.join(folder, 'a1.npy'), image(100));
  writeFileSync(path.join(folder, 'a2.npy'), image(200, [3, 2, 2]));
  writeFileSync(path.join(folder, 'a3.npy.gz'), gzipSync(image(300)));
  const recorder = await run({ path: 'a*' });
  expect(recorder.taken.map(({ header }) => header)).toEqual(
    ['a1.npy', 'a2.npy', 'a2.npy', 'a2.npy', 'a3.npy.gz'].map((file, sequence) => ({
      dtype: 'uint16',
      shape: [2, 2],
      sequence,
      meta: { file },
    })),
  );
  expect(firstItems(recorder)).toEqual([100, 200, 204, 208, 300]);
  expect(recorder.refused).toEqual([]);
});

test('a file that cannot be read is refused by name, and the next one follows', async () => {
  writeFileSync(path.join(folder, 'a1.npy'), image(1));
  writeFileSync(path.join(folder, 'a2.npy'), 'broken');
  writeFileSync(path.join(folder, 'a3.npy'), image(5, [2, 2, 2]).subarray(0, -1));
  writeFileSync(path.join(folder, 'a4.cbf.bz2'), 'BZh');
  writeFileSync(path.join(folder, 'a5.npy.gz'), 'no gzip');
  writeFileSync(path.join(folder, 'a6.xyz'), '');
  writeFileSync(path.join(folder, 'a7.h5'), 'no HDF5');
  writeFileSync(path.join(folder, 'a8.npy'), image(9));
  const recorder = await run({ path: 'a*' });
  expect(firstItems(recorder)).toEqual([1, 9]);
  expect(recorder.taken[1]!.header.sequence).toBe(7);
  expect(recorder.refused.map((line) => /^malformed: .*(a\d)/.exec(line)?.[1])).toEqual(['a2', 'a3', 'a4', 'a5', 'a6', 'a7']);
  expect(recorder.refused[2]).toMatch(/bzip2 -d/);
});

test('the first bytes of a file say its format, whatever its name', async () => {
  writeFileSync(path.join(folder, 'b1.tif'), image(1));
  writeFileSync(path.join(folder, 'b2'), gzipSync(image(2)));
  writeFileSync(path.join(folder, 'b3.h5'), Buffer.from(goldenFile('tiff uint16 le'), 'base64'));
  writeFileSync(path.join(folder, 'b4.dat'), gzipSync(Buffer.from(goldenFile('cbf uint16 none'), 'base64')));
  writeFileSync(path.join(folder, 'b5.npy'), '{\nEDF_DataBlockID = 0.Image.Psd ;\n');
  writeFileSync(path.join(folder, 'b6.npy'), 'PK\x03\x04');
  const recorder = await run({ path: 'b*' });
  expect(recorder.taken.map(({ header }) => [header.meta?.file, header.shape])).toEqual([
    ['b1.tif', [2, 2]],
    ['b2', [2, 2]],
    ['b3.h5', [5, 7]],
    ['b4.dat', [3, 5]],
  ]);
  expect(recorder.refused[0]).toMatch(/b5.npy: .*EDF/);
  expect(recorder.refused[1]).toMatch(/b6.npy: .*ZIP archive \(as NPZ files are\)/);
});

test('every image of a file is a frame, and one that cannot be read is refused in its place', async () => {
  writeFileSync(path.join(folder, 'c1.tif'), Buffer.from(goldenFile('tiff pages bigtiff be'), 'base64'));
  writeFileSync(path.join(folder, 'c2.tif'), Buffer.from(goldenFile('tiff one directory, ImageJ'), 'base64'));
  writeFileSync(path.join(folder, 'c3.cbf'), Buffer.from(goldenFile('cbf two sections'), 'base64'));
  // Cut within the directories at its end: the pages before are there.
  const pages = Buffer.from(goldenFile('tiff pages'), 'base64');
  writeFileSync(path.join(folder, 'c4.tif'), pages.subarray(0, pages.length - 60));
  const recorder = await run({ path: 'c*' });
  const counts = new Map<unknown, number>();
  for (const { header } of recorder.taken) counts.set(header.meta?.file, (counts.get(header.meta?.file) ?? 0) + 1);
  expect([...counts]).toEqual([
    ['c1.tif', 5],
    ['c2.tif', 5],
    ['c3.cbf', 2],
    ['c4.tif', 4],
  ]);
  expect(recorder.refused).toHaveLength(1);
  expect(recorder.refused[0]).toMatch(/c4.tif: tiff: /);
});

test.each(['>u2', '<f2', '>f2'])('a stack of NPY in %s is read frame by frame', async (descr) => {
  const header = Buffer.from(`{'descr': '${descr}', 'fortran_order': False, 'shape': (2, 1, 2), }\n`, 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  // 1, 1.5, 2, -2 as float16, and the same bits as uint16.
  const bits = [0x3c00, 0x3e00, 0x4000, 0xc000];
  const items = Buffer.concat(bits.map((half) => Buffer.from(descr[0] === '<' ? [half & 255, half >> 8] : [half >> 8, half & 255])));
  writeFileSync(path.join(folder, 'd.npy'), Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), length, header, items]));
  const recorder = await run({ path: 'd.npy' });
  const read = recorder.taken.map(({ bytes }) =>
    Array.from(descr.endsWith('u2') ? new Uint16Array(bytes.buffer) : new Float32Array(bytes.buffer)),
  );
  expect(read).toEqual(
    descr.endsWith('u2')
      ? [bits.slice(0, 2), bits.slice(2)]
      : [
          [1, 1.5],
          [2, -2],
        ],
  );
});

test('the plan tells shape, dtype and size of the first file', async () => {
  writeFileSync(path.join(folder, 'a1.npy'), image(1, [5, 3, 4]));
  expect(await fileIngress.plan!({ path: '*.npy' }, { baseDir: folder })).toEqual({ dtype: 'uint16', shape: [3, 4], maxFrameBytes: 24 });
});

test.each<[string, string]>([
  ['nothing matches', 'none/*.npy'],
  ['the first file is broken', 'broken.npy'],
])('the plan ends with ERR_CONFIG_FILE when %s', async (_name, pattern) => {
  writeFileSync(path.join(folder, 'broken.npy'), 'broken');
  await expect(fileIngress.plan!({ path: pattern }, { baseDir: folder })).rejects.toMatchObject({ code: 'ERR_CONFIG_FILE' });
});

test('a number of passes is kept, and the sequence keeps rising', async () => {
  writeFileSync(path.join(folder, 'a.npy'), image(1, [2, 2, 2]));
  const recorder = await run({ path: 'a.npy', loop: 3 });
  expect(recorder.taken.map(({ header }) => header.sequence)).toEqual([0, 1, 2, 3, 4, 5]);
});

test('the signal is seen within a file, though its frames are in memory and always taken at once', async () => {
  const frames = 500_000;
  writeFileSync(
    path.join(folder, 'a.npy.gz'),
    gzipSync(writeNpy({ dtype: 'uint8', shape: [frames, 1, 2], data: new Uint8Array(frames * 2) })),
  );
  const controller = new AbortController();
  const recorder = new Recorder();
  recorder.onFrame = (count) => {
    if (count === 1) setTimeout(() => controller.abort(), 1);
    return true;
  };
  await run({ path: 'a.npy.gz', loop: true }, recorder, controller.signal);
  expect(recorder.taken.length).toBeLessThan(frames);
});

test('an endless loop over files of which none can be read fails', async () => {
  writeFileSync(path.join(folder, 'a.npy'), 'broken');
  await expect(run({ path: 'a.npy', loop: true })).rejects.toMatchObject({ code: 'ERR_SOURCE' });
});

test('the source stops when a frame is not taken any more', async () => {
  writeFileSync(path.join(folder, 'a.npy'), image(1, [9, 2, 2]));
  const recorder = new Recorder();
  const controller = new AbortController();
  recorder.onFrame = (count) => {
    if (count === 3) controller.abort();
    return count < 3;
  };
  await run({ path: 'a.npy' }, recorder, controller.signal);
  expect(recorder.taken).toHaveLength(3);
});

test('the rate is kept', async () => {
  writeFileSync(path.join(folder, 'a.npy'), image(1, [21, 2, 2]));
  const start = performance.now();
  await run({ path: 'a.npy', rate: 100 });
  const elapsedMs = performance.now() - start;
  expect(elapsedMs).toBeGreaterThan(190);
  expect(elapsedMs).toBeLessThan(600);
});

describe('HDF5', () => {
  test.skipIf(!existsSync(ceria))('the CeO2 frame is read as its own mask and documented hot pixel say', async () => {
    const plan = await fileIngress.plan!({ path: ceria, dataset: 'imageseries/images' }, { baseDir: folder });
    expect(plan).toEqual({ dtype: 'int32', shape: [1679, 1475], maxFrameBytes: 1679 * 1475 * 4 });
    const { taken } = await run({ path: ceria });
    expect(taken).toHaveLength(1);
    const pixels = new Int32Array(taken[0]!.bytes.buffer);
    expect(pixels.reduce((largest, value) => Math.max(largest, value), 0)).toBe(3564777);
    // The mask beside the file marks what is negative there, by an independent hand.
    const mask = readNpy(gunzipSync(readFileSync(ceriaMask)));
    expect(mask.shape).toEqual([1679, 1475]);
    let negative = 0;
    pixels.forEach((value, index) => {
      if (value < 0) {
        negative++;
        expect(mask.data[index]).toBe(1);
      }
    });
    expect(negative).toBeGreaterThan(100_000);
  });

  test.skipIf(!pythonHas('h5py'))(
    'stacks, big-endian and 16-bit items, text and names that are not there (needs python3 with h5py)',
    async () => {
      runPython(
        `import h5py, numpy, sys
with h5py.File(sys.argv[1] + "/s.h5", "w") as f:
    a = numpy.arange(60, dtype="<u2").reshape(5, 3, 4)
    f.create_dataset("gz", data=a, compression="gzip", shuffle=True, chunks=(1, 3, 4))
    f["be"] = a.astype(">i4")
    f.create_dataset("lzf", data=a, compression="lzf")
    f["half"] = a.astype("f2")
    f["text"] = "hello"
with h5py.File(sys.argv[1] + "/d.h5", "w") as f:
    b = numpy.random.default_rng(1).integers(0, 60000, (4, 64, 64), dtype="u2")
    f.create_dataset("x", data=b, compression="gzip", chunks=(1, 64, 64))
    print(f["x"].id.get_chunk_info(2).byte_offset)`,
        folder,
      );
      const gz = await run({ path: 's.h5', dataset: 'gz' });
      expect(firstItems(gz)).toEqual([0, 12, 24, 36, 48]);
      expect(gz.taken[4]!.header).toMatchObject({ dtype: 'uint16', shape: [3, 4], sequence: 4 });
      const be = await run({ path: 's.h5', dataset: '/be' });
      expect([...new Int32Array(be.taken[1]!.bytes.buffer)]).toEqual(Array.from({ length: 12 }, (_, index) => 12 + index));
      expect(firstItems(await run({ path: 's.h5', dataset: 'lzf' }))).toEqual([0, 12, 24, 36, 48]);
      const half = await run({ path: 's.h5', dataset: 'half' });
      expect(half.taken[1]!.header.dtype).toBe('float32');
      expect([...new Float32Array(half.taken[1]!.bytes.buffer)]).toEqual(Array.from({ length: 12 }, (_, index) => 12 + index));
      expect((await run({ path: 's.h5', dataset: 'text' })).refused[0]).toMatch(/no pixels/);
      await expect(fileIngress.plan!({ path: 's.h5', dataset: 'nothing' }, { baseDir: folder })).rejects.toMatchObject({
        code: 'ERR_CONFIG_INVALID',
      });
      await expect(fileIngress.plan!({ path: 's.h5' }, { baseDir: folder })).rejects.toThrow(/name the dataset.*gz/);
    },
  );

  test.skipIf(!pythonHas('h5py'))(
    'a damaged chunk costs its own frame only, and never gives stale bytes (needs python3 with h5py)',
    async () => {
      const offset = Number(
        runPython(
          `import h5py, numpy, sys
with h5py.File(sys.argv[1] + "/d.h5", "w") as f:
    b = numpy.random.default_rng(1).integers(0, 60000, (4, 64, 64), dtype="u2")
    f.create_dataset("x", data=b, compression="gzip", chunks=(1, 64, 64))
    f.flush()
    print(f["x"].id.get_chunk_info(2).byte_offset)`,
          folder,
        ),
      );
      const file = path.join(folder, 'd.h5');
      const bytes = readFileSync(file);
      bytes.fill(0xaa, offset, offset + 200);
      writeFileSync(file, bytes);
      const recorder = await run({ path: 'd.h5' });
      expect(recorder.taken.map(({ header }) => header.sequence)).toEqual([0, 1, 3]);
      expect(recorder.refused).toEqual([expect.stringMatching(/d\.h5.*frame 2/)]);
    },
  );
});

test.skipIf(!existsSync(thaumatin))('a Pilatus CBF is read to the same bytes with and without gzip', async () => {
  const cbf = execFileSync('python3', ['-c', 'import bz2,sys; sys.stdout.buffer.write(bz2.open(sys.argv[1]).read())', thaumatin], {
    maxBuffer: 1 << 26,
  });
  writeFileSync(path.join(folder, 'frame.cbf'), cbf);
  writeFileSync(path.join(folder, 'frame.cbf.gz'), gzipSync(cbf, { level: 1 }));
  const { taken } = await run({ path: 'frame.cbf*' });
  expect(taken.map(({ header }) => [header.dtype, header.shape])).toEqual([
    ['int32', [2527, 2463]],
    ['int32', [2527, 2463]],
  ]);
  const digests = taken.map(({ bytes }) => createHash('md5').update(bytes).digest('hex'));
  expect(digests[0]).toBe(digests[1]);
});
