// The benches: node dist/bench/run.js [name...] [--json] [--quick]

import { parseArgs } from 'node:util';
import { BENCHES } from './benches.js';
import type { BenchRow } from './support/bench.js';
import { commandLine, countOf, refuse } from './support/command-line.js';
import { machine, machineLine, tableLines } from './support/table.js';

const USAGE = 'npm run bench -- [name ...] [--json] [--quick] [--repeats N]';
const { values, positionals } = commandLine(USAGE, () =>
  parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
      quick: { type: 'boolean' },
      repeats: { type: 'string', default: '7' },
    },
  }),
);
const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) refuse(USAGE, `no such bench: ${unknown.join(', ')}; there are ${BENCHES.map(({ name }) => name).join(', ')}`);
const repeats = countOf(USAGE, 'repeats', values.repeats);
const rows: BenchRow[] = [];
if (!values.json) console.log(machineLine(machine()));
for (const bench of BENCHES) {
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
  const found = await bench.run({ repeats, scale: values.quick ? 0.4 : 1 });
  rows.push(...found);
  if (!values.json) console.log(`\n${bench.name}\n${tableLines(found).join('\n')}`);
}
if (values.json) console.log(JSON.stringify({ machine: machine(), rows }, undefined, 2));
