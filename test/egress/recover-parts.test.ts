import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ndjsonFormat } from '../../src/egress/file/ndjson-format.js';
import { PathTemplate } from '../../src/egress/file/path-template.js';
import { recoverParts } from '../../src/egress/file/recover-parts.js';
import { recordingLogger } from '../support/run-pipeline.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-parts-'));
  mkdirSync(join(folder, 'out'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const TORN = '{"a":1}\n{"a":';
const PART = '.rows.ndjson.0.part';

async function recover(): Promise<string[]> {
  const { logger, lines } = recordingLogger();
  const out = join(folder, 'out');
  await recoverParts(out, new PathTemplate(join(out, 'rows.ndjson'), folder), ndjsonFormat(), logger);
  return lines.map(({ message }) => message);
}

it('a part is cut to its last whole row and named', async () => {
  writeFileSync(join(folder, 'out', PART), TORN);
  await recover();
  expect(readFileSync(join(folder, 'out', 'rows.ndjson'), 'utf8')).toBe('{"a":1}\n');
});

it('a part that is a link is left alone, and so is the file behind it', async () => {
  const other = join(folder, 'other');
  writeFileSync(other, TORN);
  symlinkSync(other, join(folder, 'out', PART));
  expect(await recover()).toEqual([expect.stringContaining('is a link or not a regular file')]);
  expect(readFileSync(other, 'utf8')).toBe(TORN);
  expect(lstatSync(join(folder, 'out', PART)).isSymbolicLink()).toBe(true);
});

it.skipIf(process.platform === 'win32')('a part that is a pipe does not hold the sink back', async () => {
  execFileSync('mkfifo', [join(folder, 'out', PART)]);
  expect(await recover()).toEqual([expect.stringContaining('is a link or not a regular file')]);
});
