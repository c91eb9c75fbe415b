// The benches: node dist/bench/run.js [name...] [--json] [--quick] [--repeats N] [--rows ROW,...]

import { parseArgs } from 'node:util';
import { BENCHES } from './benches.js';
import type { BenchRow } from './support/bench.js';
import { commandLine, countOf, refuse } from './support/command-line.js';
import { DISTURBED, OtherWork } from './support/other-work.js';
import { machine, machineLine, tableLines } from './support/table.js';

const USAGE = 'npm run bench -- [name ...] [--json] [--quick] [--repeats N] [--rows ROW,...]';
const { values, positionals } = commandLine(USAGE, () =>
  parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      repeats: { type: 'string', default: '7' },
      rows: { type: 'string' },
    },
  }),
);
const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) refuse(USAGE, `no such bench: ${unknown.join(', ')}; there are ${BENCHES.map(({ name }) => name).join(', ')}`);
const repeats = countOf(USAGE, 'repeats', values.repeats);
const wanted = values.rows === undefined ? undefined : new Set(values.rows.split(','));
const rows: BenchRow[] = [];
const others = new OtherWork();
if (!values.json) console.log(machineLine(machine()));
for (const bench of BENCHES) {
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
  const measured = await bench.run({ repeats, scale: values.quick ? 0.4 : 1, rows: wanted });
  const found = wanted ? measured.filter(({ row }) => wanted.has(row)) : measured;
  rows.push(...found);
  if (!values.json) console.log(`\n${bench.name}\n${tableLines(found).join('\n')}`);
}
const disturbance = others.share();
if (values.json) console.log(JSON.stringify({ machine: machine(), disturbance, rows }, undefined, 2));
else if (disturbance !== undefined && disturbance > DISTURBED)
  console.log(`\nother processes used ${Math.round(disturbance * 100)} % of the processors: these figures are disturbed`);
