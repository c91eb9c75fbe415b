import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, freemem, platform, release, totalmem } from 'node:os';
import { EXIT } from '../errors/errors.js';
import { BUILTIN } from '../spec/builtin-registries.js';
import { cgroupCores } from './cgroup-cores.js';
import type { CliContext } from './context.js';
import { version } from './version.js';

/** Clients and addons that only some pipelines need. */
const CLIENTS = new Set(
  [...BUILTIN.sources.values(), ...BUILTIN.sinks.values(), ...BUILTIN.codecs.values()].flatMap(({ clients = [] }) => clients),
);

/** A module whose only function contains a SIMD instruction (i8x16.splat). */
const SIMD_PROBE = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11]);

export interface Info {
  readonly millrace: string;
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  /** Cores that the cgroup quota allows. */
  readonly coresQuota: number | undefined;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly simd: boolean;
  /** Version of each client; null when not installed. */
  readonly clients: Readonly<Record<string, string | null>>;
}

/** `millrace info`. */
export async function info(options: { readonly json?: boolean }, { output }: CliContext): Promise<number> {
  const found = readInfo();
  if (options.json) {
    output.out(JSON.stringify(found, undefined, 2));
    return EXIT.done;
  }
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  output.out(`millrace  ${found.millrace}`);
  output.out(`node      ${found.node} (V8 ${found.v8})`);
  output.out(`system    ${found.platform}`);
  output.out(`cpu       ${found.cpu}`);
  output.out(`cores     ${found.cores}${found.coresQuota === undefined ? '' : ` (quota of the cgroup: ${found.coresQuota})`}`);
  output.out(`memory    ${gib(found.memoryBytes)}, ${gib(found.freeMemoryBytes)} free`);
  output.out(`simd      ${found.simd ? 'yes' : 'no'}`);
  output.out(
    `clients   ${Object.entries(found.clients)
      .map(([name, at]) => `${name} ${at ?? '(not installed)'}`)
      .join(', ')}`,
  );
  return EXIT.done;
}

/** Describes this machine. */
export function readInfo(): Info {
  return {
    millrace: version(),
    node: process.versions.node,
    v8: process.versions.v8,
    platform: `${platform()} ${release()} ${arch()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    coresQuota: cgroupCores(),
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    simd: WebAssembly.validate(SIMD_PROBE),
    clients: Object.fromEntries([...CLIENTS].map((name) => [name, installedVersion(name)])),
  };
}

/** Read from the package.json of the addon: loading the addon only for its version would be slow. */
function installedVersion(name: string): string | null {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    try {
      return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version?: string }).version ?? null;
    } catch {
      // Not in this folder; try the parent.
    }
  }
  return null;
}
