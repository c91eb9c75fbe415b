import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MillraceError } from '../../src/errors/errors.js';
import { ConfigError } from '../../src/spec/config-error.js';
import { parsePipelineWith } from '../../src/spec/parse-pipeline.js';
import type { PipelineSpec } from '../../src/spec/spec.js';
import { FAKES } from './fake-registries.js';

const folder = mkdtempSync(join(tmpdir(), 'millrace-parse-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Options {
  env?: Record<string, string>;
  set?: string[];
}

function parse(text: string, options: Options = {}): PipelineSpec {
  return parsePipelineWith(text, { file: 'p.yaml', baseDir: folder, registries: FAKES, ...options });
}

/** Each error as `line:column code message`. */
function errorsOf(text: string, options: Options = {}): string[] {
  try {
    parse(text, options);
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return thrown.errors.map(({ code, message, place }) => `${place.line}:${place.column} ${code} ${message}`);
  }
  return [];
}

const MINIMAL = `version: 1
sources:
  sim: { type: sim }
sinks:
  out: { type: "null", from: sim }
`;

/** A pipeline with these lines as its stages, from line 5 on, and a sink that takes from `from`. */
function withStages(stages: string, from = 'a', sink = ''): string {
  return `version: 1
sources:
  sim: { type: sim }
stages:
${stages}
sinks:
  out: { type: "null", from: ${from}${sink} }
`;
}

describe('a valid pipeline', () => {
  it('gets every default of the specification', () => {
    const spec = parse(withStages('  a: { from: sim, operators: [{ type: rebin }] }'));
    const edge = { overflow: { kind: 'block' }, capacity: 64, capacityGiven: false, order: 'preserve' };
    expect(spec).toMatchObject({
      version: 1,
      name: 'pipeline',
      drainMs: 30_000,
      baseDir: folder,
      sources: { sim: { type: 'sim', options: {}, codec: 'array-1.0' } },
      stages: {
        a: {
          ...edge,
          from: ['sim'],
          workers: 1,
          attempts: 3,
          stallMs: 30_000,
          concurrency: 8,
          operators: [{ type: 'rebin', params: { factor: 2 } }],
        },
      },
      sinks: { out: { ...edge, type: 'null', options: {}, from: ['a'], codec: 'array-1.0', required: true } },
    });
    expect(spec.metrics).toBeUndefined();
    expect(spec.sources.sim).not.toHaveProperty('maxFrameBytes');
    expect(spec.stages.a).not.toHaveProperty('window');
  });

  it('keeps every value that it gives', () => {
    const spec = parse(`version: 1
name: powder
metrics: { port: 9100 }
drain: { deadlineMs: 500 }
sources:
  sim: { type: sim, shape: [4, 8], maxFrame: 16MiB, slots: 5 }
  two: { type: zmq, connect: "tcp://h:1", codec: msgpack, maxFrame: 100 }
stages:
  a: { from: [sim, two], overflow: { sample: 3 }, capacity: 64, order: none, window: 9, workers: 2, attempts: 1, stallMs: 7, concurrency: 2, slots: 40 }
sinks:
  out: { type: "null", from: a, order: none, overflow: latest, required: false }
`);
    expect(spec).toMatchObject({
      name: 'powder',
      metrics: { port: 9100, host: '127.0.0.1' },
      drainMs: 500,
      sources: {
        sim: { options: { shape: [4, 8] }, maxFrameBytes: 16_777_216, slots: 5 },
        two: { codec: 'msgpack', maxFrameBytes: 100, options: { socket: 'pull' } },
      },
      stages: {
        a: {
          from: ['sim', 'two'],
          overflow: { kind: 'sample', n: 3 },
          capacity: 64,
          capacityGiven: true,
          order: 'none',
          window: 9,
          workers: 2,
          slots: 40,
        },
      },
      sinks: { out: { order: 'none', overflow: { kind: 'latest' }, capacityGiven: false, required: false } },
    });
  });

  it('is plain data', () => {
    const spec = parse(MINIMAL);
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
  });

  it('does not share what an alias repeats', () => {
    const spec = parse(
      withStages('  a: { from: sim, operators: &ops [{ type: rebin, factor: 3 }] }\n  b: { from: a, operators: *ops }', 'b'),
      {
        set: ['stages.b.operators[0].factor=5'],
      },
    );
    expect(spec.stages.a!.operators[0]!.params).toEqual({ factor: 3 });
    expect(spec.stages.b!.operators[0]!.params).toEqual({ factor: 5 });
  });
});

describe('the sink null', () => {
  it('needs no quotes, but an empty type is none', () => {
    const text = MINIMAL.replace('"null"', 'null');
    expect(parse(text).sinks.out!.type).toBe('null');
    expect(parse(MINIMAL.replace('"null"', 'print'), { set: ['sinks.out.type=null'] }).sinks.out!.type).toBe('null');
    expect(errorsOf('version: 1\nsources:\n  s: { type: sim }\nsinks:\n  o:\n    type:\n    from: s\n')).toEqual([
      "6:5 ERR_CONFIG_INVALID 'type' must be a text, not empty",
    ]);
  });
});

describe('the syntax', () => {
  it('is told with line and column', () => {
    expect(errorsOf('version: 1\nsources: { a: [ }\n')[0]).toMatch(/^2:17 ERR_CONFIG_SYNTAX /);
  });

  it('does not allow a key twice', () => {
    expect(errorsOf('version: 1\nname: a\nname: b\n')).toEqual(['3:1 ERR_CONFIG_SYNTAX Map keys must be unique']);
  });

  it('bounds what aliases may stand for, nesting and cycles', () => {
    const bomb = [
      'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
      ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`),
    ];
    expect(errorsOf(bomb.join('\n'))[0]).toMatch(/ERR_CONFIG_SYNTAX/);
    expect(errorsOf('['.repeat(100_000))[0]).toMatch(/ERR_CONFIG_SYNTAX/);
    expect(errorsOf('version: &a [*a]\n')).toEqual(['1:1 ERR_CONFIG_SYNTAX an alias is inside the value that it refers to']);
  });

  it('needs a map: an empty file says so', () => {
    expect(errorsOf('')).toEqual(['1:1 ERR_CONFIG_INVALID the pipeline must be a map, not empty']);
  });
});

describe('the schema', () => {
  it('suggests the nearest known key', () => {
    expect(errorsOf(withStages('  a: { from: sim, wokers: 2 }'))).toEqual([
      "5:19 ERR_CONFIG_INVALID unknown key 'wokers', did you mean 'workers'?",
    ]);
    expect(errorsOf(MINIMAL.replace('type: sim', 'type: sim, frame: 3'))).toEqual([
      "3:21 ERR_CONFIG_INVALID unknown key 'frame', did you mean 'frames'?",
    ]);
  });

  it('lists the known keys where none is near', () => {
    expect(errorsOf(withStages('  a: { from: sim, operators: [{ type: rebin, zzz: 1 }] }'))).toEqual([
      "5:46 ERR_CONFIG_INVALID unknown key 'zzz' (known: type, factor)",
    ]);
  });

  it('tells a wrong type at its value', () => {
    expect(errorsOf(withStages('  a: { from: sim, workers: two }'))).toEqual([
      "5:28 ERR_CONFIG_INVALID 'workers' must be a whole number, not 'two'",
    ]);
    expect(errorsOf(MINIMAL.replace('type: sim', 'type: sim, shape: [1, b]'))).toEqual([
      "3:32 ERR_CONFIG_INVALID this must be a whole number, not 'b'",
    ]);
  });

  it('tells an unknown type of each section, and what may stand in its place', () => {
    expect(errorsOf(MINIMAL.replace('type: sim', 'type: zmqq'))).toEqual([
      "3:16 ERR_CONFIG_INVALID 'type' must be zmq, sim or file or the path of a module, not 'zmqq', did you mean 'zmq'?",
    ]);
    expect(errorsOf(withStages('  a: { from: sim, operators: [{ type: rebim }] }'))[0]).toMatch(
      /^5:39 ERR_CONFIG_INVALID 'type' must be .* the path of a module.*did you mean 'rebin'\?$/,
    );
  });

  it('tells a missing key at the node that needs it', () => {
    expect(errorsOf('version: 1\nsources:\n  s: { type: zmq }\nsinks:\n  o: { type: "null", from: s }\n')).toEqual([
      "3:3 ERR_CONFIG_INVALID 's' needs one of the keys 'connect' or 'bind'",
    ]);
    expect(errorsOf('sources:\n  s: { type: sim }\nsinks:\n  o: { type: "null" }\n').filter((line) => line.includes('needs'))).toEqual([
      "1:1 ERR_CONFIG_INVALID the pipeline needs the key 'version'",
      "4:3 ERR_CONFIG_INVALID 'o' needs the key 'from'",
    ]);
  });

  it('tells keys that exclude each other', () => {
    expect(errorsOf(MINIMAL.replace('type: "null"', 'type: redis, url: u, stream: s, channel: c'))).toEqual([
      "5:3 ERR_CONFIG_INVALID 'out' takes only one of the keys 'stream' or 'channel'",
    ]);
  });

  it('gives one error for a value of several forms', () => {
    expect(errorsOf(withStages('  a: { from: sim, overflow: lates }'))).toEqual([
      "5:29 ERR_CONFIG_INVALID 'overflow' must be block, drop-newest, drop-oldest, latest or { sample: N }, not 'lates', did you mean 'latest'?",
    ]);
    expect(errorsOf(withStages('  a: { from: sim, overflow: { sample: 0 } }'))).toEqual([
      "5:39 ERR_CONFIG_INVALID 'sample' must be at least 1, not 0",
    ]);
    expect(errorsOf(MINIMAL.replace('type: sim', 'type: sim, maxFrame: 3x'))).toEqual([
      "3:31 ERR_CONFIG_INVALID 'maxFrame' must be a number of bytes or a size such as '16MiB', not '3x'",
    ]);
  });

  it('refuses a codec where a type takes none, and a name that is none', () => {
    expect(errorsOf(MINIMAL.replace('type: sim', 'type: sim, codec: msgpack'))[0]).toMatch(/^3:21 ERR_CONFIG_INVALID unknown key 'codec'/);
    expect(errorsOf(withStages('  9a: { from: sim }', '9a'))).toEqual([
      "5:3 ERR_CONFIG_INVALID '9a' cannot be a name: a letter, then up to 63 letters, digits, _ or -",
    ]);
  });

  it.each(['window', 'workers', 'capacity'])('refuses a %s below 1', (key) => {
    expect(errorsOf(withStages(`  a: { from: sim, ${key}: 0 }`))).toEqual([
      `5:${19 + key.length + 2} ERR_CONFIG_INVALID '${key}' must be at least 1, not 0`,
    ]);
  });
});

describe('the links', () => {
  it('refuse a name that nothing has', () => {
    expect(errorsOf(withStages('  a: { from: [sim, simm] }'))).toEqual([
      "5:20 ERR_CONFIG_INVALID there is no source or stage 'simm', did you mean 'sim'?",
    ]);
  });

  it('refuse to take from a sink', () => {
    expect(errorsOf(withStages('  a: { from: [sim, out] }'))[0]).toBe(
      "5:20 ERR_CONFIG_INVALID 'out' is a sink, from which nothing can be taken",
    );
  });

  it('refuse a cycle, and name it', () => {
    expect(errorsOf(withStages('  a: { from: [sim, b] }\n  b: { from: a }', 'b'))).toEqual([
      '6:14 ERR_CONFIG_INVALID a cycle: a -> b -> a',
    ]);
    expect(errorsOf(withStages('  a: { from: [sim, a] }'))).toEqual(['5:20 ERR_CONFIG_INVALID a cycle: a -> a']);
  });

  it('refuse a node that leads nowhere', () => {
    expect(errorsOf(withStages('  a: { from: sim }\n  b: { from: a }'))).toEqual([
      "6:3 ERR_CONFIG_INVALID stage 'b' leads nowhere: no stage or sink takes from it",
    ]);
    expect(errorsOf(MINIMAL.replace('sinks:', '  idle: { type: sim }\nsinks:'))).toEqual([
      "4:3 ERR_CONFIG_INVALID source 'idle' leads nowhere: no stage or sink takes from it",
    ]);
  });

  it('refuse one name for two nodes', () => {
    expect(errorsOf(withStages('  sim: { from: sim }', 'sim'))).toEqual([
      "5:3 ERR_CONFIG_INVALID the name 'sim' is already that of a source",
    ]);
  });
});

describe('the files', () => {
  it('must be there: modules and `file` options', () => {
    writeFileSync(join(folder, 'here.mjs'), '');
    const operators = '[{ type: ./here.mjs, any: 1 }, { type: ./gone.mjs }, { type: mask, file: gone.npy }]';
    expect(errorsOf(withStages(`  a: { from: sim, operators: ${operators} }`))).toEqual([
      `5:69 ERR_CONFIG_FILE the module './gone.mjs' does not exist (looked for ${folder}/gone.mjs)`,
      `5:103 ERR_CONFIG_FILE the file 'gone.npy' does not exist (looked for ${folder}/gone.npy)`,
    ]);
  });
});

describe('the promises', () => {
  it('refuse several workers for an operator that keeps state', () => {
    expect(errorsOf(withStages('  a: { from: sim, workers: 2, operators: [{ type: accumulate, frames: 2 }] }'))).toEqual([
      "5:28 ERR_CONFIG_PROMISE 'accumulate' keeps state between frames, so that stage 'a' can have only one worker, not 2",
    ]);
  });

  const diamond = (order: string): string => `  a: { from: sim }\n  b: { from: sim }\n  c: { from: [a, b]${order} }`;

  it('refuse order where a source comes by two ways', () => {
    expect(errorsOf(withStages(diamond(''), 'c', ', order: none'))).toEqual([
      "7:8 ERR_CONFIG_PROMISE frames of 'sim' reach 'c' by more than one way, so that their order cannot be kept: set order: none, or take from one",
    ]);
    expect(errorsOf(withStages(diamond(', order: none'), 'c', ', order: none'))).toEqual([]);
  });

  it('refuse order behind a stage that takes from several threads in any order', () => {
    const stages = (order: string): string => `  a: { from: sim, workers: 2 }\n  b: { from: a, workers: 2${order} }`;
    expect(errorsOf(withStages(stages(', order: none'), 'b'))).toEqual([
      "6:29 ERR_CONFIG_PROMISE 'out' promises the order of 'sim', but stage 'b' takes its frames from several threads in any order: set order: preserve here, or order: none there",
    ]);
    expect(errorsOf(withStages(stages(''), 'b'))).toEqual([]);
    expect(errorsOf(withStages(stages(', order: none'), 'b', ', order: none'))).toEqual([]);
  });

  it('count two stages with one worker each as several threads', () => {
    const text = withStages(diamond(', order: none'), 'c');
    expect(errorsOf(text).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      '7:22 ERR_CONFIG_PROMISE',
      '9:24 ERR_CONFIG_PROMISE',
    ]);
  });

  it('allow order behind one producing thread', () => {
    expect(errorsOf(withStages('  a: { from: sim, workers: 2, order: none }'))).toEqual([]);
    expect(errorsOf(withStages('  a: { from: sim }\n  b: { from: a, workers: 2, order: none }', 'b'))).toEqual([]);
  });

  it('count at most 32 ways from a source to sinks', () => {
    const sinks = (count: number): string => Array.from({ length: count }, (_, i) => `  s${i}: { type: "null", from: sim }\n`).join('');
    const text = (count: number): string => `version: 1\nsources:\n  sim: { type: sim }\nsinks:\n${sinks(count)}`;
    expect(errorsOf(text(32))).toEqual([]);
    expect(errorsOf(text(33))).toEqual([
      "3:3 ERR_CONFIG_PROMISE there are 33 ways from source 'sim' to sinks; at most 32 can be accounted for",
    ]);
  });

  it('count the ways of a deep ladder without walking each', () => {
    const stages = Array.from({ length: 60 }, (_, i) => {
      const from = i === 0 ? '[sim]' : `[l${i - 1}, r${i - 1}]`;
      return `  l${i}: { from: ${from}, order: none }\n  r${i}: { from: ${from}, order: none }`;
    }).join('\n');
    expect(errorsOf(withStages(stages, '[l59, r59]', ', order: none'))[0]).toMatch(
      /^3:3 ERR_CONFIG_PROMISE there are 1152921504606847000 ways/,
    );
  });
});

describe('variables', () => {
  it('are filled in, with the type that the text has', () => {
    const spec = parse(
      withStages(
        '  a: { from: sim, workers: ${N}, capacity: ${C:-5}, operators: [{ type: crop, name: "${N}" }, { type: crop, name: x${E:-y}z }] }',
      ),
      {
        env: { N: '2', E: '' },
      },
    );
    expect(spec.stages.a).toMatchObject({ workers: 2, capacity: 5, operators: [{ params: { name: '2' } }, { params: { name: 'xyz' } }] });
  });

  it('cannot bring structure into the file', () => {
    const spec = parse(withStages('  a: { from: sim, operators: [{ type: crop, name: ${X} }] }'), { env: { X: '{ a: 1 }, b: 2 # c' } });
    expect(spec.stages.a!.operators[0]!.params).toEqual({ name: '{ a: 1 }, b: 2 # c' });
  });

  it('are told with their own place when they are not set', () => {
    expect(errorsOf(withStages('  a: { from: sim, workers: ${W}, operators: [{ type: crop, name: "ab ${NOPE} ${ALSO}" }] }'))).toEqual([
      '5:28 ERR_CONFIG_ENV the environment variable W is not set (${W:-default} gives it a default)',
      '5:70 ERR_CONFIG_ENV the environment variable NOPE is not set (${NOPE:-default} gives it a default)',
      '5:78 ERR_CONFIG_ENV the environment variable ALSO is not set (${ALSO:-default} gives it a default)',
    ]);
  });

  it('may be written literally, are not seen in comments, and must have a name', () => {
    const spec = parse(withStages('  a: { from: sim, operators: [{ type: crop, name: "$${X}" }] } # ${NOPE}'));
    expect(spec.stages.a!.operators[0]!.params).toEqual({ name: '${X}' });
    expect(errorsOf(withStages('  a: { from: sim, operators: [{ type: crop, name: "${1}" }] }'))[0]).toMatch(
      /^5:52 ERR_CONFIG_ENV '\$\{1\}' is not a variable/,
    );
  });

  it('do not take what an object inherits for a variable', () => {
    expect(errorsOf(withStages('  a: { from: [sim, "${toString}"] }'))).toEqual([expect.stringMatching(/^5:21 ERR_CONFIG_ENV/)]);
  });
});

describe('overrides', () => {
  it('replace, add, and make a variable unneeded', () => {
    const spec = parse(withStages('  a: { from: sim, workers: ${W}, operators: [{ type: rebin }] }'), {
      set: ['stages.a.workers=4', 'stages.a.operators[0].factor=8', 'stages.a.operators[1]={ type: mask, below: 3 }', 'drain.deadlineMs=9'],
    });
    expect(spec.stages.a).toMatchObject({ workers: 4, operators: [{ params: { factor: 8 } }, { type: 'mask', params: { below: 3 } }] });
    expect(spec.drainMs).toBe(9);
  });

  it('are the place of an error that they cause', () => {
    try {
      parse(MINIMAL, { set: ['sinks.out.capacity=many'] });
      expect.unreachable();
    } catch (thrown) {
      expect(String((thrown as Error).message)).toBe(
        "--set sinks.out.capacity=many: 'capacity' must be a whole number, not 'many' [ERR_CONFIG_INVALID]",
      );
    }
  });

  it.each(['', 'a', '=1', 'a..b=1', 'a[x]=1', '__proto__.x=1', 'a=[', 'sources.sim.type.x=1', 'sources[0]=1', 'sinks.out.from[0]=1'])(
    "'%s' is refused as usage",
    (set) => {
      try {
        parse(MINIMAL, { set: [set] });
        expect.unreachable();
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(MillraceError);
        expect((thrown as MillraceError).code).toBe('ERR_USAGE');
      }
    },
  );
});

it('an override cannot leave a gap in a list', () => {
  const text = withStages('  a: { from: sim, operators: [{ type: rebin }] }');
  expect(() => parse(text, { set: ['stages.a.operators[2]={ type: rebin }'] })).toThrow('[2] is beyond the end of a list of 1');
  expect(() => parse(text, { set: ['stages.a.operators[1].factor=2'] })).toThrow('[1] is beyond the end of a list of 1');
});

describe('a file with many errors', () => {
  it('tells all of them at once, in the order of the file', () => {
    const text = `version: 2
sources:
  sim: { type: sim, frame: 3 }
stages:
  a: { from: \${NOPE}, workers: 0 }
  b: { from: sum, operators: [{ type: ./gone.mjs }, { type: accumulate, frames: 2 }], workers: 2 }
sinks:
  out: { type: nul, from: b }
`;
    expect(errorsOf(text).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      '1:10 ERR_CONFIG_INVALID',
      '3:3 ERR_CONFIG_INVALID',
      '3:21 ERR_CONFIG_INVALID',
      '5:3 ERR_CONFIG_INVALID',
      '5:14 ERR_CONFIG_ENV',
      '5:32 ERR_CONFIG_INVALID',
      '6:14 ERR_CONFIG_INVALID',
      '6:39 ERR_CONFIG_FILE',
      '6:96 ERR_CONFIG_PROMISE',
      '8:16 ERR_CONFIG_INVALID',
    ]);
  });

  it('has one line an error, with file, line, column, message and code', () => {
    expect(() => parse(MINIMAL.replace('version: 1', 'version: 2'))).toThrow(
      "p.yaml:1:10: 'version' must be 1, not 2 [ERR_CONFIG_INVALID]",
    );
  });
});
