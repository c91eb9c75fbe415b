import type { Command } from 'commander';

/** What the help of a verb shows besides its description and options. */
export interface VerbHelp {
  /** A command line that works as written, given the files that it names. */
  readonly example: string;
  /** Descriptions of the arguments, by name. */
  readonly args?: Readonly<Record<string, string>>;
  /** When it ends with which exit code, beyond 2 for a wrong command line. */
  readonly exits: Readonly<Record<number, string>>;
}

const PIPELINE = 'pipeline file (YAML)';
const RUN = 'name, pid, folder or socket of the run; optional if only one run is alive';
const SOURCE = 'name of the source in the pipeline';

const RUN_EXITS = {
  0: 'the run is done and its verdict is ok',
  1: 'the run failed, or its verdict is not ok',
  78: 'the pipeline is wrong',
};
const PIPELINE_EXITS = { 0: 'the pipeline is valid', 78: 'the pipeline is wrong' };
const PRINT_EXITS = { 0: 'done' };
const CONTROL_EXITS = {
  0: 'done',
  1: 'no run matches, or the run does not answer',
  2: 'the command line is wrong, several runs match, or the state of the run does not allow the request',
};

/** By the words of the verb. A test checks that every verb is here and that the examples parse. */
export const VERB_HELP: Readonly<Record<string, VerbHelp>> = {
  run: {
    exits: RUN_EXITS,
    example: 'millrace run pipeline.yaml --set stages.reduce.workers=1 --report report.json',
    args: { file: PIPELINE },
  },
  validate: { exits: PIPELINE_EXITS, example: 'millrace validate pipeline.yaml', args: { file: PIPELINE } },
  init: {
    exits: { 0: 'the file is written', 2: 'the command line is wrong, or the file exists or cannot be written' },
    example: 'millrace init first.yaml --source sim --operator threshold --sink file',
  },
  test: {
    exits: { 0: 'every case passed', 1: 'a case failed', 78: 'a test file or a pipeline is wrong' },
    example: 'millrace test pipeline.test.yaml',
    args: { files: 'test files (docs/reference/pipeline-tests.md)' },
  },
  relay: {
    exits: RUN_EXITS,
    example: "millrace relay 'sim:?frames=3&shape=8x8' print: --through rebin:factor=4",
    args: { source: 'address of the source, such as zmq+pull://HOST:PORT', sink: 'address of the sink (default: print:)' },
  },
  list: { exits: PRINT_EXITS, example: 'millrace list sinks' },
  graph: { exits: PIPELINE_EXITS, example: 'millrace graph pipeline.yaml --format mermaid', args: { file: PIPELINE } },
  schema: { exits: PRINT_EXITS, example: 'millrace schema > pipeline.schema.json' },
  sim: { exits: RUN_EXITS, example: 'millrace sim --bind tcp://127.0.0.1:9999 --pattern spots --frames 1000 --rate 100' },
  ctl: { exits: CONTROL_EXITS, example: 'millrace ctl list' },
  'ctl list': { exits: PRINT_EXITS, example: 'millrace ctl list' },
  'ctl status': { exits: CONTROL_EXITS, example: 'millrace ctl status spots', args: { run: RUN } },
  'ctl progress': { exits: CONTROL_EXITS, example: 'millrace ctl progress spots --json', args: { run: RUN } },
  'ctl report': { exits: CONTROL_EXITS, example: 'millrace ctl report spots --json', args: { run: RUN } },
  'ctl stages': { exits: CONTROL_EXITS, example: 'millrace ctl stages spots', args: { run: RUN } },
  'ctl stop': { exits: CONTROL_EXITS, example: 'millrace ctl stop spots', args: { run: RUN } },
  'ctl update': {
    exits: { ...CONTROL_EXITS, 78: 'the new parameters are wrong; the run goes on with the old ones' },
    example: 'millrace ctl update reduce threshold below=8 --run spots',
    args: {
      stage: 'name of the stage',
      operator: 'type of the operator, or its number from 0',
      'key=value': 'a parameter and its new value',
    },
  },
  'ctl series': { exits: CONTROL_EXITS, example: 'millrace ctl series start detector scan-7 --expected 1000' },
  'ctl series start': {
    exits: CONTROL_EXITS,
    example: 'millrace ctl series start detector scan-7 --expected 1000',
    args: { source: SOURCE, id: 'name or number of the new series' },
  },
  'ctl series end': {
    exits: CONTROL_EXITS,
    example: 'millrace ctl series end detector scan-7',
    args: { source: SOURCE, id: 'the series to end; if another one is open, the command fails (default: the open series)' },
  },
  top: { exits: CONTROL_EXITS, example: 'millrace top spots --interval 2', args: { run: RUN } },
  dlq: { exits: PRINT_EXITS, example: 'millrace dlq list dead' },
  'dlq list': {
    exits: { 0: 'done', 1: 'a letter is unreadable', 2: 'the command line is wrong, or the folder is unreadable' },
    example: 'millrace dlq list dead',
    args: { folder: 'folder of the dead letters' },
  },
  'dlq show': {
    exits: { 0: 'done', 1: 'the letter is unreadable' },
    example: 'millrace dlq show dead/frame.letter --data frame.npy',
    args: { file: 'a dead letter' },
  },
  'dlq replay': {
    exits: { 0: 'every letter went through', 1: 'a letter stayed, or the verdict of the run is not ok', 78: 'the pipeline is wrong' },
    example: 'millrace dlq replay dead --pipeline pipeline.yaml',
    args: { paths: 'dead letters, or folders of them' },
  },
  'dlq drop': {
    exits: { 0: 'the letters are removed', 1: 'the answer was no', 2: 'the command line is wrong, or a letter cannot be removed' },
    example: 'millrace dlq drop dead --yes',
    args: { paths: 'dead letters, or folders of them' },
  },
  bench: {
    exits: { 0: 'the benches are done', 1: 'a bench failed, or this is not a clone of the repository' },
    example: 'millrace bench slot-life',
    args: { args: 'names of benches, and options of the bench program' },
  },
  info: { exits: PRINT_EXITS, example: 'millrace info --json' },
  demo: {
    exits: { 0: 'every result reached the client', 1: 'the run failed, or a result is missing' },
    example: 'millrace demo --out demo-out --frames 200',
  },
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
