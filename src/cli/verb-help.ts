import type { Command } from 'commander';

/** What the help of a verb shows besides its description and options. */
export interface VerbHelp {
  /** A command line that works as written, given the files that it names. */
  readonly example: string;
  /** Descriptions of the arguments, by name. */
  readonly args?: Readonly<Record<string, string>>;
}

const PIPELINE = 'pipeline file (YAML)';
const RUN = 'name, pid, folder or socket of the run; optional if only one run is alive';
const SOURCE = 'name of the source in the pipeline';

/** By the words of the verb. A test checks that every verb is here and that the examples parse. */
export const VERB_HELP: Readonly<Record<string, VerbHelp>> = {
  run: { example: 'millrace run pipeline.yaml --set stages.reduce.workers=1 --report report.json', args: { file: PIPELINE } },
  validate: { example: 'millrace validate pipeline.yaml', args: { file: PIPELINE } },
  init: { example: 'millrace init first.yaml --source sim --operator threshold --sink file' },
  test: { example: 'millrace test pipeline.test.yaml', args: { files: 'test files (docs/reference/pipeline-tests.md)' } },
  relay: {
    example: "millrace relay 'sim:?frames=3&shape=8x8' print: --through rebin:factor=4",
    args: { source: 'address of the source, such as zmq+pull://HOST:PORT', sink: 'address of the sink (default: print:)' },
  },
  list: { example: 'millrace list sinks' },
  graph: { example: 'millrace graph pipeline.yaml --format mermaid', args: { file: PIPELINE } },
  schema: { example: 'millrace schema > pipeline.schema.json' },
  sim: { example: 'millrace sim --bind tcp://127.0.0.1:9999 --pattern spots --frames 1000 --rate 100' },
  ctl: { example: 'millrace ctl list' },
  'ctl list': { example: 'millrace ctl list' },
  'ctl status': { example: 'millrace ctl status spots', args: { run: RUN } },
  'ctl progress': { example: 'millrace ctl progress spots --json', args: { run: RUN } },
  'ctl report': { example: 'millrace ctl report spots --json', args: { run: RUN } },
  'ctl stages': { example: 'millrace ctl stages spots', args: { run: RUN } },
  'ctl stop': { example: 'millrace ctl stop spots', args: { run: RUN } },
  'ctl update': {
    example: 'millrace ctl update reduce threshold below=8 --run spots',
    args: {
      stage: 'name of the stage',
      operator: 'type of the operator, or its number from 0',
      'key=value': 'a parameter and its new value',
    },
  },
  'ctl series': { example: 'millrace ctl series start detector scan-7 --expected 1000' },
  'ctl series start': {
    example: 'millrace ctl series start detector scan-7 --expected 1000',
    args: { source: SOURCE, id: 'name or number of the new series' },
  },
  'ctl series end': {
    example: 'millrace ctl series end detector scan-7',
    args: { source: SOURCE, id: 'the series to end; if another one is open, the command fails (default: the open series)' },
  },
  top: { example: 'millrace top spots --interval 2', args: { run: RUN } },
  dlq: { example: 'millrace dlq list dead' },
  'dlq list': { example: 'millrace dlq list dead', args: { folder: 'folder of the dead letters' } },
  'dlq show': { example: 'millrace dlq show dead/frame.letter --data frame.npy', args: { file: 'a dead letter' } },
  'dlq replay': { example: 'millrace dlq replay dead --pipeline pipeline.yaml', args: { paths: 'dead letters, or folders of them' } },
  'dlq drop': { example: 'millrace dlq drop dead --yes', args: { paths: 'dead letters, or folders of them' } },
  bench: { example: 'millrace bench slot-life', args: { args: 'names of benches, and options of the bench program' } },
  info: { example: 'millrace info --json' },
  demo: { example: 'millrace demo --out demo-out --frames 200' },
};

/** The words of a verb without the program name, such as `ctl series start`. */
export function verbWords(command: Command): string {
  const words: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) words.unshift(at.name());
  return words.join(' ');
}

/** All verbs below a command, including those of groups. */
export function verbsOf(program: Command): Command[] {
  return program.commands.flatMap((command) => [command, ...verbsOf(command)]);
}

/** Adds to each verb of the program its example and the descriptions of its arguments. */
export function addVerbHelp(program: Command): void {
  for (const command of verbsOf(program)) {
    const help = VERB_HELP[verbWords(command)];
    if (!help) continue;
    for (const argument of command.registeredArguments) argument.description ||= help.args?.[argument.name()] ?? '';
    command.addHelpText('after', `\nExample:\n  ${help.example}`);
  }
}
