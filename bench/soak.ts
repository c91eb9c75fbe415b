// Ten runs of the guard on an unchanged tree: all have to pass.  node dist/bench/soak.js [times]
import { spawnSync } from 'node:child_process';

const times = Number(process.argv[2] ?? 10);
let passed = 0;
for (let i = 1; i <= times; i++) {
  console.log(`guard ${i} of ${times}`);
  if (spawnSync(process.execPath, [new URL('./guard.js', import.meta.url).pathname], { stdio: 'inherit' }).status === 0) passed++;
}
console.log(`${passed} of ${times} passed`);
process.exitCode = passed === times ? 0 : 1;
