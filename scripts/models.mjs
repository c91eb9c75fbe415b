// Runs the Spin models of the ring; src/ring/models/README.md says what they are.
//   node scripts/models.mjs [--full | --long | --mutants] [--only MODEL] [--with DEFINE] [--limit SECONDS] [--skip-missing]
// Without options: what a few minutes allow, and the mutants. --full: the long runs too. --long: only them. One line a run.
// Exits 1 if a run finds an error, or if a mutant, or a place where the code needs its time-out, goes unnoticed.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const FOLDER = fileURLToPath(new URL('../src/ring/models/', import.meta.url));
const MEMORY_MB = 7500;

/** Every state; every state, and no thread that spins for ever; a part of the states (bitstate hashing). */
const KINDS = {
  all: { compile: ['-DSAFETY', '-DCOLLAPSE'], run: [], found: 'exhaustive', note: '' },
  cycles: { compile: ['-DNP', '-DCOLLAPSE'], run: ['-l'], found: 'exhaustive, cycles', note: 'cycles, ' },
  rest: { compile: ['-DSAFETY', '-DCOLLAPSE'], run: ['-E'], found: 'exhaustive', note: '' },
  search: { compile: ['-DSAFETY', '-DBITSTATE'], run: ['-w33', '-k3'], found: 'searched (bitstate)', note: 'bitstate, ' },
};

const VERDICTS = { run: 'ok', long: 'ok', mutant: 'caught', needsTime: 'needs the time-out' };

const run = (model, defs, kind = 'all') => ({ model, defs, kind, role: 'run' });
const long = (model, defs, kind = 'all') => ({ model, defs, kind, role: 'long' });
const mutant = (model, defs, flag, kind = 'all') => ({ model, defs: `${flag} ${defs}`, kind, role: 'mutant' });
/** The code as it is without its time-out, where it needs it. */
const needsTime = (model, defs, kind = 'all') => ({ model, defs, kind, role: 'needsTime' });

const RUNS = [
  // ---- ring.pml: cells and hints
  run('ring', '-DCAP=1 -DK0=1 -DNCRASH=0'),
  run('ring', '-DCAP=1 -DK0=1 -DONEC'),
  run('ring', '-DCAP=2 -DK0=2 -DONEC -DBATCH=2'),
  run('ring', '-DCAP=2 -DLIMIT=1 -DK0=1 -DONEC'),
  run('ring', '-DCAP=2 -DK0=1 -DONEC -DFREE'),
  run('ring', '-DCAP=1 -DK0=1 -DONEC', 'cycles'),
  long('ring', '-DCAP=1 -DK0=1'),
  long('ring', '-DCAP=1 -DK0=1', 'cycles'),
  long('ring', '-DCAP=2 -DK0=2 -DNCRASH=0'),
  long('ring', '-DCAP=2 -DLIMIT=1 -DK0=1'),
  long('ring', '-DCAP=2 -DK0=2', 'search'),
  long('ring', '-DCAP=2 -DK0=2 -DBATCH=2', 'search'),
  mutant('ring', '-DCAP=1 -DK0=1', '-DM_LATE_ON'),
  mutant('ring', '-DCAP=1 -DK0=1', '-DM_EARLY_HELD'),
  mutant('ring', '-DCAP=1 -DK0=1', '-DM_TAIL_FIRST'),
  mutant('ring', '-DCAP=1 -DK0=1', '-DM_HEAD_FIRST'),
  mutant('ring', '-DCAP=1 -DK0=1', '-DM_HINT_EMPTY'),
  mutant('ring', '-DCAP=1 -DK0=1', '-DM_NO_HELP', 'cycles'),
  mutant('ring', '-DCAP=1 -DK0=1', '-DM_STAMP', 'cycles'),
  // ---- pipeline.pml: place words, fan-out, gate, census, record, batches, lanes, drops
  run('pipeline', '-DNF=1 -DNS=2 -DONEW -DONEC -DNCRASH=2 -DPASS'),
  run('pipeline', '-DNF=2 -DNS=3 -DONEW -DONEC -DBATCH=2'),
  run('pipeline', '-DNF=2 -DNS=4 -DNB=1 -DONEW -DONEC -DCLAIM2 -DORDER -DNCRASH=2'),
  run('pipeline', '-DNF=2 -DNS=3 -DNB=1 -DONEW -DONEC -DLIMA=2 -DNCRASH=2'),
  run('pipeline', '-DNF=2 -DNS=3 -DNB=1 -DONEW -DONEC -DLIM=1 -DPOLICY=1 -DNCRASH=2'),
  run('pipeline', '-DNF=3 -DNS=5 -DNB=1 -DONEW -DONEC -DLIM=2 -DPOLICY=2 -DNCRASH=2 -DRISING'),
  run('pipeline', '-DNF=3 -DNS=5 -DNB=1 -DONEW -DONEC -DLIM=2 -DPOLICY=2 -DNCRASH=2 -DRISING -DTWOSRC'),
  run('pipeline', '-DNF=3 -DNS=5 -DNB=1 -DONEW -DONEC -DLIM=1 -DPOLICY=1 -DNCRASH=2 -DTWOSRC -DENDS'),
  run('pipeline', '-DNF=3 -DNS=5 -DNB=1 -DONEW -DONEC -DLIM=1 -DPOLICY=2 -DNCRASH=2 -DRISING -DTWOSRC -DENDS'),
  mutant('pipeline', '-DNF=3 -DNS=5 -DNB=1 -DONEW -DONEC -DLIM=1 -DPOLICY=1 -DTWOSRC -DENDS', '-DM_END_WAITS'),
  mutant('pipeline', '-DNF=3 -DNS=5 -DNB=1 -DONEW -DONEC -DLIM=1 -DPOLICY=2 -DTWOSRC -DENDS', '-DM_END_BACK'),
  long('pipeline', '-DNF=2 -DNS=2 -DNB=1 -DONEC -DPASS_ONLY -DNCRASH=2 -DORDER'),
  mutant('pipeline', '-DNF=2 -DNS=2 -DNB=1 -DONEC -DPASS_ONLY -DNCRASH=2 -DORDER', '-DM_UNNAMED'),
  long('pipeline', '-DNF=2 -DNS=3 -DONEW -DONEC -DBATCH=2 -DPASS -DNCRASH=2'),
  long('pipeline', '-DNF=1 -DNS=2 -DONEW'),
  long('pipeline', '-DNF=1 -DNS=3 -DONEC'),
  long('pipeline', '-DNF=2 -DNS=4 -DNB=1 -DONEC -DPASS'),
  long('pipeline', '-DNF=2 -DNS=4 -DNB=1 -DONEC -DPOLICY=2 -DLIM=1'),
  long('pipeline', '-DNF=2 -DNS=4 -DNCRASH=2 -DPASS', 'search'),
  mutant('pipeline', '-DNF=1 -DNS=2 -DONEW -DONEC', '-DM_DEKKER'),
  mutant('pipeline', '-DNF=1 -DNS=2 -DONEW -DONEC', '-DM_LATE_COMMIT'),
  mutant('pipeline', '-DNF=1 -DNS=2 -DONEW -DONEC', '-DM_LATE_ON'),
  mutant('pipeline', '-DNF=1 -DNS=2 -DONEW -DONEC', '-DM_REDO_BLIND'),
  mutant('pipeline', '-DNF=1 -DNS=2 -DONEW -DONEC -DLIM=1', '-DM_NO_RESTORE'),
  mutant('pipeline', '-DNF=1 -DNS=2 -DONEW', '-DM_EARLY_HELD'),
  mutant('pipeline', '-DNF=1 -DNS=2 -DONEW -DNCRASH=0', '-DM_TORN_BITS'),
  mutant('pipeline', '-DNF=1 -DNS=2 -DONEW -DNCRASH=0', '-DM_FREE_FIRST'),
  mutant('pipeline', '-DNF=2 -DNS=3 -DONEW -DONEC', '-DM_BITS_FIRST'),
  mutant('pipeline', '-DNF=2 -DNS=3 -DONEW -DONEC', '-DM_EARLY_BIT'),
  mutant('pipeline', '-DNF=2 -DNS=3 -DNB=1 -DONEW -DONEC -DLIM=1 -DPOLICY=1', '-DM_NO_DROPREC'),
  mutant('pipeline', '-DNF=2 -DNS=3 -DNB=1 -DONEW -DONEC -DLIM=1 -DPOLICY=1', '-DM_STALE_FREE'),
  mutant('pipeline', '-DNF=2 -DNS=3 -DNB=1 -DONEW -DONEC -DORDER -DM_UNNAMED', '-DM_TAIL_ALL'),
  mutant('pipeline', '-DNF=2 -DNS=3 -DNB=1 -DONEW -DONEC -DORDER', '-DM_NO_LANE'),
  mutant('pipeline', '-DNF=3 -DNS=5 -DNB=1 -DONEW -DONEC -DLIM=2 -DPOLICY=2 -DRISING', '-DM_DROP_BACK'),
  mutant('pipeline', '-DNF=3 -DNS=5 -DNB=1 -DONEW -DONEC -DLIM=2 -DPOLICY=2 -DRISING -DTWOSRC', '-DM_PUT_BACK'),
  mutant('pipeline', '-DNF=2 -DNS=2 -DNB=1 -DONEC -DPASS_ONLY -DNCRASH=2 -DORDER', '-DM_NO_SORT'),
  // ---- park.pml: sleeping and waking
  run('park', '-DNCRASH=0 -DNC=1 -DCLOSED_SEEN'),
  run('park', '-DNP=1 -DNC=1 -DN0=2 -DCLOSED_SEEN'),
  run('park', '-DNCRASH=0 -DNP=1 -DCLOSED_SEEN'),
  run('park', '-DNCRASH=0 -DNC=1 -DTIMEOUT'),
  long('park', '-DNCRASH=0 -DNP=1 -DN0=2 -DCLOSED_SEEN'),
  long('park', '-DNCRASH=0 -DNC=1 -DN0=2 -DCLOSED_SEEN'),
  long('park', '-DNCRASH=0 -DNC=1 -DN0=2 -DTIMEOUT'),
  long('park', '-DNCRASH=0 -DNC=1 -DN0=2 -DLIMIT=2 -DN1=2 -DCLOSED_SEEN', 'search'),
  long('park', '-DNCRASH=0 -DNC=1 -DTWO -DCLOSED_SEEN'),
  long('park', '-DNCRASH=0 -DCLOSED_SEEN', 'search'),
  long('park', '-DNC=1 -DCLOSED_SEEN'),
  long('park', '-DNP=1 -DCLOSED_SEEN', 'search'),
  needsTime('park', '-DNCRASH=0 -DNC=1'),
  mutant('park', '-DNCRASH=0 -DNC=1 -DN0=2 -DCLOSED_SEEN', '-DM_SWALLOW'),
  ...['NO_RECHECK', 'BUMP_FIRST', 'STALE', 'LATE_READ'].map((name) => mutant('park', '-DNCRASH=0 -DNC=1 -DOPEN', `-DM_${name}`)),
  mutant('park', '-DNCRASH=0 -DNC=1 -DOPEN', '-DM_HALF'),
  mutant('park', '-DNCRASH=0 -DNP=1 -DN0=3 -DOPEN', '-DM_HEAD'),
  mutant('park', '-DNP=1 -DOPEN', '-DM_NO_WAKE_ALL'),
  mutant('park', '-DNC=1 -DFULL -DONLY=0 -DOPEN', '-DM_KEEP_BITS'),
  // ---- settle.pml: the settlement table
  run('settle', ''),
  run('settle', '-DORDERED'),
  run('settle', '-DNCRASH=2'),
  long('settle', '-DN=4 -DSE=3'),
  long('settle', '-DNCRASH=2 -DORDERED'),
  long('settle', '', 'cycles'),
  ...[
    'REDO_BLIND',
    'AND_FIRST',
    'OWED_FIRST',
    'FAST_ANY',
    'FAST_OPEN',
    'TORN_SWEEP',
    'REOPEN_LATE',
    'NO_GATE',
    'VIEWS_BLIND',
    'VIEWS_LATE',
  ].map((name) => mutant('settle', '', `-DM_${name}`)),
  // ---- ordered.pml: an ordered edge, its table, its lanes
  run('ordered', '-DN=2 -DONEW'),
  run('ordered', '-DN=2'),
  run('ordered', '-DN=3 -DSE=2 -DPASS_ONLY'),
  run('ordered', '-DN=2 -DONEW -DLEAVES=2 -DPASS -DFILTER'),
  run('ordered', '-DN=3 -DSE=3 -DW=2 -DONEW -DPOLICY=1'),
  run('ordered', '-DN=3 -DSE=3 -DONEW -DPOLICY=1 -DFILTER'),
  run('ordered', '-DN=3 -DSE=3 -DONEW -DPOLICY=2'),
  run('ordered', '-DN=3 -DSE=3 -DW=2 -DONEW -DPOLICY=3'),
  long('ordered', '-DN=2 -DNCRASH=2'),
  long('ordered', '-DN=2 -DNCRASH=2 -DLIMA=2'),
  long('ordered', '-DN=3 -DSE=3'),
  long('ordered', '-DN=2 -DW=2 -DTWOC -DONEW -DBATCH=2'),
  long('ordered', '-DN=2 -DTWOC -DONEW -DPASS -DFILTER'),
  long('ordered', '-DN=3 -DSE=3 -DW=2 -DONEW -DLEAVES=2 -DPASS -DFILTER'),
  long('ordered', '-DN=3 -DSE=3 -DONEW -DPOLICY=2 -DNCRASH=2'),
  long('ordered', '-DN=3 -DSE=3 -DW=2 -DONEW -DPOLICY=3 -DNCRASH=2'),
  long('ordered', '-DN=3 -DSE=3 -DPOLICY=1 -DFILTER'),
  long('ordered', '-DN=3 -DSE=3 -DW=2 -DPOLICY=2'),
  long('ordered', '-DN=3 -DSE=3 -DW=2 -DPOLICY=3'),
  long('ordered', '-DN=2 -DTWOC -DPASS -DFILTER', 'search'),
  ...['PUT', 'SKIP_ANY', 'LATE_ON', 'NO_KEEP', 'KEEP_OUT'].map((name) => mutant('ordered', '-DN=3', `-DM_${name}`)),
  ...['SKIP_BLIND', 'OPEN_FIRST', 'ORD_FIRST'].map((name) => mutant('ordered', '-DN=3 -DFILTER', `-DM_${name}`)),
  mutant('ordered', '-DN=3 -DSE=3 -DONEW -DPOLICY=2', '-DM_LATE_COMER'),
  mutant('ordered', '-DN=3 -DSE=3 -DW=2 -DONEW -DPOLICY=2 -DSINK_LIVES', '-DM_DROP_BACK'),
  mutant('ordered', '-DN=3 -DSE=3', '-DM_TAIL'),
  mutant('ordered', '-DN=3 -DSE=3', '-DM_NO_LANE'),
  mutant('ordered', '-DN=3 -DNCRASH=2', '-DM_REDO_BLIND'),
  // ---- bells.pml: who wakes whom at an ordered edge
  run('bells', '-DN=3'),
  run('bells', '-DN=3 -DFILTER'),
  run('bells', '-DN=3 -DSE=2 -DFILTER'),
  run('bells', '-DN=3 -DPOLICY=2 -DSTALL', 'rest'),
  run('bells', '-DN=3 -DPOLICY=3 -DSTALL', 'rest'),
  long('bells', '-DN=4'),
  long('bells', '-DN=3 -DNC=2 -DNW=1 -DSTALL', 'rest'),
  long('bells', '-DN=4 -DPOLICY=2 -DSTALL', 'rest'),
  ...['PUT_BLIND', 'RING_FIRST', 'NO_SPACE_RING', 'RARE_RING'].map((name) => mutant('bells', '-DN=4', `-DM_${name}`)),
  mutant('bells', '-DN=4 -DFILTER', '-DM_SETTLE_SILENT'),
  mutant('bells', '-DN=4 -DPOLICY=2 -DSTALL', '-DM_HOLE_SILENT', 'rest'),
  mutant('bells', '-DN=3 -DSE=2 -DFILTER', '-DM_ORD_ONCE'),
  mutant('bells', '-DN=3 -DSE=2 -DFILTER', '-DM_OPEN_PLAIN'),
  // ---- chain.pml: chains of slots
  run('chain', '-DNF=2'),
  run('chain', '-DNF=3 -DNCRASH=2'),
  long('chain', '-DNF=3', 'cycles'),
  ...['NO_REACH', 'STALE_NEXT', 'BITS_FIRST', 'READ_LATE', 'TAIL_FIRST'].map((name) => mutant('chain', '-DNF=3', `-DM_${name}`)),
  // ---- parcel.pml: records of a parcel
  run('parcel', ''),
  run('parcel', '-DLIMA=1'),
  long('parcel', '-DNCRASH=2'),
  ...[
    'EACH_LATE',
    'EACH_EARLY',
    'ONE_LEAF',
    'NO_CLEAR',
    'LEAF_FIRST',
    'LEAF_LATE',
    'SPLIT_LATE',
    'REDO_BLIND',
    'LETTER_LATE',
    'NO_REDO',
  ].map((name) => mutant('parcel', '', `-DM_${name}`)),
  // ---- partial.pml: partials and their books
  run('partial', ''),
  run('partial', '-DNF=1 -DFAIL'),
  run('partial', '-DNF=1 -DLIMA=1 -DNCRASH=2'),
  long('partial', '-DNCRASH=2'),
  long('partial', '-DNF=1 -DFAIL -DLIMA=1'),
  ...['NO_DIRTY', 'DIRTY_LATE', 'LATE_LOSS', 'LIVE_BANK', 'NO_CLEAR', 'ANY_STRETCH', 'END_EARLY'].map((name) =>
    mutant('partial', '', `-DM_${name}`),
  ),
  mutant('partial', '-DNF=1 -DLIMA=1', '-DM_MERGED_LIVE'),
  mutant('partial', '-DNE=1 -DFAIL', '-DM_KEEP_SPOILT'),
  mutant('partial', '-DNF=1 -DLIMA=1', '-DM_NO_LOSE'),
  // ---- join.pml: a stage that brings inputs together
  run('join', ''),
  run('join', '-DNO=1 -DNCRASH=2 -DLIMA=2'),
  run('join', '-DNO=1 -DTIME'),
  run('join', '-DNO=1 -DFULL'),
  run('join', '-DNO=1 -DSHARE -DLIMA=2'),
  long('join', '-DNCRASH=2'),
  long('join', '-DTIME'),
  ...['EAGER', 'NEXT_FIRST', 'SILENT', 'UNNAMED', 'BACK', 'LEFT_OUT', 'END_WAITS'].map((name) => mutant('join', '-DNO=1', `-DM_${name}`)),
  mutant('join', '', '-DM_LANE_LAST'),
  mutant('join', '-DNO=1 -DLIMA=1', '-DM_NO_DROPREC'),
  mutant('join', '-DNO=1 -DSHARE -DLIMA=2', '-DM_ATT_TWICE'),
  // ---- update.pml: parameters that change
  run('update', '-DNCRASH=2'),
  run('update', '-DASYNC -DNCRASH=2 -DF=3'),
  run('update', '-DU=4'),
  long('update', '-DW=2 -DU=2 -DF=1'),
  ...['NO_WAIT', 'EPOCH_FIRST', 'TABLE_LATE', 'LEFT_STAYS', 'ONE_PLACE'].map((name) => mutant('update', '', `-DM_${name}`)),
  ...['LANE_FREE', 'STAMP_NEW'].map((name) => mutant('update', '-DASYNC', `-DM_${name}`)),
];

function report({ model, defs, kind, role }, { states, errors, seconds, cut, failure }) {
  const wanted = role === 'run' || role === 'long' ? 0 : 1;
  const ok = failure === '' && errors === wanted;
  const how = errors > 0 ? 'stopped at an error' : cut ? `searched (${KINDS[kind].note}${cut})` : KINDS[kind].found;
  const verdict = ok ? VERDICTS[role] : failure || (wanted ? 'NOT CAUGHT' : 'ERROR');
  const parameters = defs.replaceAll('-D', '');
  console.log(
    `${model.padEnd(8)}  ${parameters.padEnd(58)}  ${states.toLocaleString('en').padStart(12)} states  ${how}  ${seconds.toFixed(1)} s  ${verdict}`,
  );
  return ok;
}

/** Runs a program in `folder`. At `limitS` it gets SIGINT: a verifier then prints what it has seen. */
function execute(program, args, folder, limitS) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let outOfTime = false;
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    const timer =
      limitS &&
      setTimeout(() => {
        outOfTime = true;
        child.kill('SIGINT');
      }, limitS * 1e3);
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, text, outOfTime });
    });
  });
}

/** Builds and runs one verifier in `folder`. */
async function verify({ model, defs, kind, role }, folder, limitS) {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1e3;
  const failed = (failure) => ({ states: 0, errors: 0, seconds: seconds(), cut: '', failure });
  copyFileSync(join(FOLDER, `${model}.pml`), join(folder, 'model.pml'));
  const spin = await execute('spin', [...defs.split(' ').filter(Boolean), '-a', 'model.pml'], folder);
  if (spin.status !== 0 || /error/i.test(spin.text)) return failed(`spin: ${spin.text.trim().split('\n')[0]}`);
  // A mutant is caught soon: it is compiled for longer than it runs.
  const gcc = await execute(
    'gcc',
    [role === 'mutant' ? '-O1' : '-O2', '-w', '-DVECTORSZ=2048', `-DMEMLIM=${MEMORY_MB}`, ...KINDS[kind].compile, '-o', 'pan', 'pan.c'],
    folder,
  );
  if (gcc.status !== 0) return failed(`gcc: ${gcc.text.trim().split('\n')[0]}`);
  const { text, outOfTime } = await execute(join(folder, 'pan'), ['-m1000000', ...KINDS[kind].run], folder, limitS);
  const errors = Number(/errors: (\d+)/.exec(text)?.[1] ?? -1);
  const states = Number(/(\d+) states, stored/.exec(text)?.[1] ?? 0);
  if (errors < 0) return failed(text.trim().split('\n')[0] || 'the verifier said nothing');
  let cut = '';
  if (outOfTime) cut = 'cut by time';
  else if (/MEMLIM|out of memory/.test(text)) cut = 'cut by memory';
  else if (/search depth too small/.test(text)) cut = 'cut by depth';
  else if (/Search not completed/.test(text)) cut = 'not completed';
  return { states, errors, seconds: seconds(), cut, failure: '' };
}

const OPTIONS = {
  only: { type: 'string' },
  with: { type: 'string' },
  limit: { type: 'string' },
  mutants: { type: 'boolean' },
  long: { type: 'boolean' },
  full: { type: 'boolean' },
  'skip-missing': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
};

/** The exit code: 0 all is as it should be, 1 it is not, 2 usage. */
async function main(options) {
  const usage = 'usage: npm run models -- [--only MODEL] [--with DEFINE] [--mutants | --long | --full] [--limit SECONDS] [--skip-missing]';
  let values;
  try {
    ({ values } = parseArgs({ args: options, options: OPTIONS }));
    if (values.limit !== undefined && !(Number(values.limit) > 0)) throw new Error(`--limit: ${values.limit} is no number of seconds`);
    if (values.only !== undefined && !RUNS.some(({ model }) => model === values.only)) throw new Error(`no such model: ${values.only}`);
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    return 2;
  }
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const missing = ['spin', 'gcc'].filter((tool) => spawnSync(tool, [tool === 'spin' ? '-V' : '--version'], { stdio: 'ignore' }).error);
  if (missing.length > 0) {
    console.log(`${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing (Debian: apt-get install spin gcc)`);
    return values['skip-missing'] ? 0 : 1;
  }
  const limitS = Number(values.limit ?? (values.full || values.long ? 600 : 300));
  const chosen = RUNS.filter(({ model, role, defs }) => {
    if (values.only && values.only !== model) return false;
    if (values.with && !` ${defs} `.includes(` -D${values.with} `)) return false;
    if (values.mutants || values.long) return role === (values.long ? 'long' : 'mutant');
    return role !== 'long' || values.full;
  });
  let failures = chosen.length === 0 ? 1 : 0;
  // A long run may need all of the memory.
  const atOnce = values.full || values.long ? 1 : availableParallelism();
  let next = 0;
  const work = async () => {
    while (next < chosen.length) {
      const one = chosen[next++];
      const folder = mkdtempSync(join(tmpdir(), 'ring-models-'));
      try {
        if (!report(one, await verify(one, folder, limitS))) failures++;
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const runs = `${chosen.length} run${chosen.length === 1 ? '' : 's'}`;
  console.log(failures === 0 ? `${runs}, as it should be` : `${failures} of ${runs} not as it should be`);
  return failures === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
