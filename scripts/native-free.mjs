// Runs the whole demo with every native addon blocked: node scripts/native-free.mjs [SECONDS]. Wants the build.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ADDONS = ['zeromq', 'sharp', 'msgpackr-extract', '@napi-rs/nice'];
// Node then refuses to load any addon, in every thread.
const BLOCKED = '--no-addons';
const [seconds = '4'] = process.argv.slice(2);
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = mkdtempSync(join(tmpdir(), 'millrace-native-free-'));

function loadable(...flags) {
  const stdout = execFileSync(process.execPath, [...flags, join(root, 'scripts/try-addons.mjs'), ...ADDONS], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(stdout);
}

function check(holds, message) {
  if (!holds) throw new Error(message);
}

try {
  const before = loadable();
  console.log(`addons that load here: ${before.loaded.join(', ') || 'none'}`);
  const { loaded, inThread } = loadable(BLOCKED);
  check(loaded.length + inThread.length === 0, `${[...loaded, ...inThread].join(', ')} loaded although addons are blocked`);

  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [BLOCKED, join(root, 'dist/src/cli/main.js'), 'demo', '--seconds', seconds, '--out', out],
    { encoding: 'utf8', timeout: 120_000 },
  );
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  check(status === 0, `the demo ended with ${status}`);
  for (const name of ['report.json', 'profile.csv', 'profile.svg', 'pipeline.yaml'])
    check(existsSync(join(out, name)) && statSync(join(out, name)).size > 0, `${name} is missing`);
  check(!existsSync(join(out, 'frame.png')), 'frame.png was made, so that an encoder was loaded');
  check(/frame\.png is not written/.test(stderr), 'no line says that frame.png is not written');
  const { ok, balanced, sources } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'));
  check(ok && balanced && sources.detector.ledger.delivered > 0, 'the report is not that of a run that went well');
  console.log(`native-free: the demo ran without any addon, ${sources.detector.ledger.delivered} frames`);
} catch (error) {
  console.error(`native-free: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
