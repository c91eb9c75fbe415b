import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect } from 'vitest';
import type { Report } from '../../src/observe/report.js';
import { itFull } from '../support/test-size.js';

const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'millrace-blocked-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a sink of type print whose reader does not read', () => {
  itFull('does not keep the process alive after the drain has missed its deadline', { timeout: 90_000 }, async () => {
    const file = join(folder, 'p.yaml');
    const description = {
      version: 1,
      drain: { deadlineMs: 1000 },
      sources: { s: { type: 'sim', pattern: 'counter', shape: [64, 64], dtype: 'uint8', rate: 500 } },
      sinks: {
        out: { type: 'print', from: 's', format: 'json', data: true, overflow: 'drop-oldest', required: false },
        other: { type: 'null', from: 's' },
      },
    };
    writeFileSync(file, JSON.stringify(description));
    const report = join(folder, 'p.json');
    const child = spawn(process.execPath, [MAIN, 'run', file, '--no-ctl', '--quiet', '--report', report], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk;
      });
      // The first text shows that it runs; nothing is read after it, and the pipe fills.
      await once(child.stdout, 'readable');
      await delay(1500);
      child.kill('SIGTERM');
      const [code] = await Promise.race([once(child, 'exit'), delay(60_000, ['still alive'])]);
      expect(code, stderr).toBe(1);
      const { error, sinks } = JSON.parse(readFileSync(report, 'utf8')) as Report;
      expect(error).toMatchObject({ code: 'ERR_DRAIN_DEADLINE' });
      expect(sinks.other!.delivered).toBeGreaterThan(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
