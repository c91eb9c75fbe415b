import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { asMillraceError } from '../../errors/errors.js';
import { DTYPES, type DType } from '../../frame/dtype.js';
import { ConfigError, type ConfigIssue } from '../../spec/config-error.js';
import type { KeyPath } from '../../spec/key-path.js';
import { loadPipeline } from '../../spec/load.js';
import { type Locate, readYaml } from '../../spec/read-yaml.js';
import { compileSchema, validateWith } from '../../spec/schema-issues.js';
import type { PipelineSpec } from '../../spec/spec.js';
import { suggest } from '../../spec/suggest.js';
import { type CaseFrame, framesOfFile, framesOfLists } from './case-frames.js';

/** Largest difference that counts as equal: `absolute + relative * |expected|`. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

export interface ExpectedSink {
  readonly count?: number;
  readonly frames?: readonly CaseFrame[];
  readonly dtype?: DType;
  readonly tolerance: Tolerance;
}

/** A counter of a ledger; for `dropped` and `dead` the sum, or the counts by reason. */
export type ExpectedCounts = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

export interface TestCase {
  readonly name: string;
  readonly sources: ReadonlyMap<string, readonly CaseFrame[]>;
  readonly sinks: Readonly<Record<string, ExpectedSink>>;
  readonly ledger: Readonly<Record<string, ExpectedCounts>>;
}

export interface TestFile {
  readonly pipeline: string;
  readonly spec: PipelineSpec;
  readonly cases: readonly TestCase[];
}

interface RawFrames {
  readonly frames?: unknown[];
  readonly file?: string;
  readonly dataset?: string;
  readonly dtype?: DType;
}

interface RawSink extends RawFrames {
  readonly count?: number;
  readonly tolerance?: number | Partial<Tolerance>;
}

interface RawCase {
  readonly name: string;
  readonly source?: Readonly<Record<string, RawFrames>>;
  readonly expect?: { readonly sinks?: Readonly<Record<string, RawSink>>; readonly ledger?: Readonly<Record<string, ExpectedCounts>> };
}

interface RawFile {
  readonly pipeline?: string;
  readonly set?: readonly string[];
  readonly cases: readonly RawCase[];
}

const NUMBERS = DTYPES.filter((dtype) => dtype !== 'bytes');
const count = { type: 'integer', minimum: 0 };
const reasons = {
  anyOf: [
    { ...count, title: 'a whole number' },
    { type: 'object', additionalProperties: count, title: 'a map of reasons' },
  ],
};
const framesKeys = {
  frames: { type: 'array' },
  file: { type: 'string', minLength: 1 },
  dataset: { type: 'string', minLength: 1 },
  dtype: { enum: NUMBERS },
};
const tolerance = { type: 'number', minimum: 0 };

const SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['cases'],
  properties: {
    pipeline: { type: 'string', minLength: 1 },
    set: { type: 'array', items: { type: 'string' } },
    cases: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'expect'],
        properties: {
          name: { type: 'string', minLength: 1 },
          source: { type: 'object', additionalProperties: { type: 'object', additionalProperties: false, properties: framesKeys } },
          expect: {
            type: 'object',
            additionalProperties: false,
            minProperties: 1,
            properties: {
              sinks: {
                type: 'object',
                additionalProperties: {
                  type: 'object',
                  additionalProperties: false,
                  minProperties: 1,
                  properties: {
                    ...framesKeys,
                    count,
                    tolerance: {
                      anyOf: [
                        { ...tolerance, title: 'a number of at least 0' },
                        { type: 'object', additionalProperties: false, properties: { absolute: tolerance, relative: tolerance } },
                      ],
                    },
                  },
                },
              },
              ledger: {
                type: 'object',
                additionalProperties: {
                  type: 'object',
                  additionalProperties: false,
                  properties: { received: count, delivered: count, merged: count, filtered: count, dropped: reasons, dead: reasons },
                },
              },
            },
          },
        },
      },
    },
  },
};

/**
 * Reads a test file, its pipeline and all frames that it names. Throws a ConfigError that lists each mistake with its
 * place.
 */
export async function loadTestFile(file: string): Promise<TestFile> {
  const { value, locate, issues } = readYaml(await readText(file), file, (name) => process.env[name]);
  if (value === undefined || issues.length > 0) throw new ConfigError(issues.map(({ code, message, place }) => ({ code, message, place })));
  const wrong: ConfigIssue[] = validateWith(compileSchema(SCHEMA), value).map(({ message, path, at }) => ({
    code: 'ERR_CONFIG_INVALID',
    message: message.replace(/^the pipeline\b/, 'the test file'),
    place: locate(path, at),
  }));
  if (wrong.length > 0) throw new ConfigError(wrong);
  const raw = value as RawFile;
  const folder = dirname(resolve(file));
  const pipeline = pipelineOf(file, raw, locate);
  const spec = await loadPipeline(pipeline, { set: raw.set ?? [] });
  const reader = new CaseReader(spec, folder, locate);
  const cases: TestCase[] = [];
  for (const [index, one] of raw.cases.entries()) cases.push(await reader.read(one, ['cases', index]));
  if (reader.issues.length > 0) throw new ConfigError(reader.issues);
  return { pipeline, spec, cases };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    const { message } = asMillraceError(thrown, 'ERR_CONFIG_FILE');
    throw new ConfigError([{ code: 'ERR_CONFIG_FILE', message: `the test file cannot be read: ${message}`, place: { file } }]);
  }
}

/** `NAME.test.yaml` tests `NAME.yaml`, unless it names another file. */
function pipelineOf(file: string, { pipeline }: RawFile, locate: Locate): string {
  // Relative to the test file, in the form that the user wrote: messages show it.
  if (pipeline !== undefined)
    return pipeline.startsWith('/') ? pipeline : `${file.slice(0, file.length - basename(file).length)}${pipeline}`;
  const match = /^(.+)\.test(\.ya?ml)$/.exec(file);
  if (match) return `${match[1]}${match[2]}`;
  const message = "the test file needs the key 'pipeline', because its name is not NAME.test.yaml (which tests NAME.yaml)";
  throw new ConfigError([{ code: 'ERR_CONFIG_INVALID', message, place: locate([], 'key') }]);
}

class CaseReader {
  readonly issues: ConfigIssue[] = [];

  constructor(
    readonly spec: PipelineSpec,
    readonly folder: string,
    readonly locate: Locate,
  ) {}

  async read({ name, source = {}, expect = {} }: RawCase, path: KeyPath): Promise<TestCase> {
    const sources = new Map<string, readonly CaseFrame[]>();
    for (const [node, given] of Object.entries(source)) {
      const at = [...path, 'source', node];
      this.#known('source', node, Object.keys(this.spec.sources), at);
      sources.set(node, (await this.#frames(given, at)) ?? []);
    }
    const sinks: Record<string, ExpectedSink> = {};
    for (const [node, given] of Object.entries(expect.sinks ?? {})) {
      const at = [...path, 'expect', 'sinks', node];
      this.#known('sink', node, Object.keys(this.spec.sinks), at);
      const frames = await this.#frames(given, at);
      sinks[node] = {
        ...(given.count === undefined ? {} : { count: given.count }),
        ...(given.dtype === undefined ? {} : { dtype: given.dtype }),
        ...(frames ? { frames } : {}),
        tolerance: toleranceOf(given.tolerance),
      };
    }
    for (const node of Object.keys(expect.ledger ?? {}))
      this.#known('source', node, Object.keys(this.spec.sources), [...path, 'expect', 'ledger', node]);
    return { name, sources, sinks, ledger: expect.ledger ?? {} };
  }

  #known(what: string, name: string, names: readonly string[], path: KeyPath): void {
    if (!names.includes(name))
      this.#add(`the pipeline has no ${what} '${name}'${suggest(name, names) || ` (known: ${names.join(', ')})`}`, path, 'key');
  }

  async #frames({ frames, file, dataset, dtype }: RawFrames, path: KeyPath): Promise<readonly CaseFrame[] | undefined> {
    if (frames && file !== undefined) this.#add("give either 'frames' or 'file'", [...path, 'file'], 'key');
    if (file !== undefined) {
      try {
        return await framesOfFile(resolve(this.folder, file), dataset);
      } catch (thrown) {
        this.issues.push({
          code: 'ERR_CONFIG_FILE',
          message: `'${file}' cannot be read: ${asMillraceError(thrown, 'ERR_CONFIG_FILE').message}`,
          place: this.locate([...path, 'file']),
        });
      }
    }
    return frames && framesOfLists(frames, dtype ?? 'float64', (message, below) => this.#add(message, [...path, 'frames', ...below]));
  }

  #add(message: string, path: KeyPath, what: 'key' | 'value' = 'value'): void {
    this.issues.push({ code: 'ERR_CONFIG_INVALID', message, place: this.locate(path, what) });
  }
}

function toleranceOf(given: RawSink['tolerance']): Tolerance {
  return typeof given === 'object' ? { absolute: 0, relative: 0, ...given } : { absolute: given ?? 0, relative: 0 };
}
