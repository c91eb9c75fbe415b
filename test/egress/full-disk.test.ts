import { expect, test } from 'vitest';
import { FullDisk } from '../../src/egress/file/full-disk.js';
import { SILENT } from '../../src/errors/logger.js';

function diskOf(signal = new AbortController().signal) {
  const warned: string[] = [];
  let outageMs = 0;
  const log = { ...SILENT, warn: (fields: object, message: string) => void warned.push(`${JSON.stringify(fields)} ${message}`) };
  const context = {
    name: 'raw',
    codec: undefined as never,
    baseDir: '.',
    log,
    signal,
    outage: (ms: number) => {
      outageMs += ms;
    },
  };
  return { disk: new FullDisk(context), warned, outage: () => outageMs };
}

const full = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

test('files that wait together are one outage, and the warning names the sink and the file', async () => {
  const { disk, warned, outage } = diskOf();
  const startMs = performance.now();
  await Promise.all(
    Array.from({ length: 8 }, (_, index) => {
      let failed = false;
      return disk.keepTrying(`/data/f-${index}.npy`, async () => {
        if (failed) return;
        failed = true;
        throw full();
      });
    }),
  );
  expect(outage()).toBeGreaterThan(300);
  expect(outage()).toBeLessThanOrEqual(performance.now() - startMs);
  expect(warned).toHaveLength(1);
  expect(warned[0]).toMatch(/"sink":"raw".*sink 'raw' cannot write \/data\/f-0.npy: the disk is full \(ENOSPC\)/);
});

test('at the signal the error names the sink, the file and the reason; other errors are not tried again', async () => {
  const controller = new AbortController();
  const { disk } = diskOf(controller.signal);
  const waiting = disk.keepTrying('/data/f.npy', () => Promise.reject(full()));
  controller.abort();
  await expect(waiting).rejects.toThrow(/sink 'raw' cannot write \/data\/f.npy: the disk is full \(ENOSPC\)/);
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES' });
  await expect(disk.keepTrying('/data/g.npy', () => Promise.reject(denied))).rejects.toBe(denied);
});
