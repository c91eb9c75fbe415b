import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, makeFolderSync } from '../../src/transports/make-folder.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-folder-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

for (const [name, make] of [
  ['makeFolder', makeFolder],
  ['makeFolderSync', async (path: string) => makeFolderSync(path)],
] as const) {
  describe(name, () => {
    it('makes all that are missing, and takes one that is there', async () => {
      await make(join(folder, 'a', 'b', 'c'));
      await make(join(folder, 'a', 'b', 'c'));
      expect(statSync(join(folder, 'a', 'b', 'c')).isDirectory()).toBe(true);
    });

    it('refuses a file in the way, and a link that leads nowhere', async () => {
      writeFileSync(join(folder, 'file'), '');
      symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
      await expect(make(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
      await expect(make(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
      await expect(make(join(folder, 'link', 'below'))).rejects.toMatchObject({ code: 'ENOENT' });
    });

    it.skipIf(!existsSync('/proc/self'))('says at once that no folder can be made below /proc', async () => {
      await expect(make('/proc/nowhere/below')).rejects.toMatchObject({ code: 'ENOENT' });
    });
  });
}

it('makeFolder returns the first folder that it made, with the mode that it was given', async () => {
  expect(await makeFolder(join(folder, 'a', 'b'), 0o700)).toBe(join(folder, 'a'));
  expect(statSync(join(folder, 'a', 'b')).mode & 0o777).toBe(0o700);
  expect(await makeFolder(join(folder, 'a', 'b'))).toBeUndefined();
});
