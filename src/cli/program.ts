import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../errors/errors.js';
import type { CliContext } from './context.js';
import type { UpdateOptions } from './ctl/update.js';
import type { DemoOptions } from './demo.js';
import type { ReplayOptions } from './dlq/replay.js';
import { FAIL_ON_OPTION, parseFailOn } from './fail-on-option.js';
import type { InitOptions } from './init.js';
import { LISTS, type ListName } from './list.js';
import { reportError } from './output.js';
import { addOutputOptions } from './output-options.js';
import type { RunOptions } from './run.js';
import type { SimOptions } from './sim.js';
import type { TopOptions } from './top/top.js';
import { addVerbHelp } from './verb-help.js';
import { version } from './version.js';

/**
 * Parses the arguments (without `node` and the script), runs the verb and prints errors. Returns the exit code; never
 * throws.
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  const json = args.includes('--json');
  let exitCode: number = EXIT.done;
  const program = buildProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) return reportError(thrown, context.output, json);
    if (thrown.exitCode === 0) return EXIT.done;
    // Commander printed help to stderr because arguments were missing.
    if (thrown.code === 'commander.help') return EXIT.usage;
    const message = thrown.message.replace(/^error: /, '');
    if (json) context.output.out(JSON.stringify({ ok: false, errors: [{ code: 'ERR_USAGE', message, place: {} }] }));
    else context.output.err(`millrace: ${message} [ERR_USAGE]`);
    return EXIT.usage;
  }
}

/** The command with all verbs. `ended` receives the exit code of the verb that was called. */
export function buildProgram(context: CliContext, ended: (exitCode: number) => void): Command {
  const { output } = context;
  const program = new Command('millrace')
    .description('Takes frames from instruments, reduces them on every core, and hands them on with every frame accounted for.')
    .version(version())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text.trimEnd()),
      writeErr: (text) => output.err(text.trimEnd()),
      // The caller prints it, in the format of all other errors.
      outputError: () => {},
    });
  const json = ['--json', 'machine-readable results and errors'] as const;
  const set = ['--set <path=value>', 'override a value of the file, such as stages.reduce.workers=4', collect, [] as string[]] as const;
  const report = ['--report <file>', 'write the report of the run to this file'] as const;
  // Verbs are loaded when called: `--help` needs none of them.
  program
    .command('run <file>')
    .description('run a pipeline until its sources end or a signal drains it')
    .option(...report)
    .option(...FAIL_ON_OPTION, parseFailOn)
    .option(...set)
    .option('--watch', 'restart when the file, its modules or its masks change')
    .option('--run-dir <dir>', 'folder of the control socket (default: one below XDG_RUNTIME_DIR)')
    .option('--no-ctl', 'do not open a control socket')
    .option(...json)
    .action(async (file: string, options: RunOptions & { set: string[]; watch?: boolean }) =>
      ended(
        options.watch
          ? await (await import('./watch/watch-run.js')).watchRun(file, options, context)
          : await (await import('./run.js')).run(file, options, context),
      ),
    );
  program
    .command('validate <file>')
    .description('check a pipeline without running it')
    .option(...set)
    .option(...json)
    .action(async (file: string, options: { set: string[]; json?: boolean }) =>
      ended(await (await import('./validate.js')).validate(file, options, context)),
    );
  program
    .command('init')
    .description('write a first pipeline; ask at the terminal for what no option gives')
    .argument('[file]', 'the file to write', 'pipeline.yaml')
    .option('--source <source>', 'sim, file or zmq (default: sim)')
    .option('--operator <operator>', 'threshold, rebin, accumulate, veto, roi-stats or none (default: threshold)')
    .option('--sink <sink>', 'file, print, zmq or null (default: file)')
    .option('--force', 'replace an existing file')
    .option(...json)
    .action(async (file: string, options: InitOptions) => ended(await (await import('./init.js')).init(file, options, context)));
  program
    .command('test <files...>')
    .description('run the cases of test files on a pipeline and compare the results')
    .option(...json)
    .action(async (files: string[], options: { json?: boolean }) =>
      ended(await (await import('./test/test.js')).test(files, options, context)),
    );
  program
    .command('relay <source> [sink]')
    .description('run a pipeline without a file, from one address to another, such as zmq+pull://HOST:PORT to redis://HOST:PORT/STREAM')
    .option('--through <operator>', 'an operator to apply: type, type:key=value,key=value, or a module (repeatable)', collect, [])
    .option(...report)
    .option(...FAIL_ON_OPTION, parseFailOn)
    .option(...json)
    .action(async (source: string, sink: string | undefined, options: RunOptions & { through: string[] }) =>
      ended(await (await import('./relay.js')).relay(source, sink, options, context)),
    );
  program
    .command('list')
    .description('list the sources, operators, sinks and codecs that a pipeline can use, with their options')
    .addArgument(new Argument('[what]', 'print one list only (default: all)').choices(LISTS))
    .option(...json)
    .action(async (what: ListName | undefined, options: { json?: boolean }) =>
      ended(await (await import('./list.js')).list(what, options, context)),
    );
  program
    .command('graph <file>')
    .description('print a pipeline as Graphviz or Mermaid text')
    .addOption(new Option('--format <format>', 'language of the graph').choices(['dot', 'mermaid']).default('dot'))
    .option(...set)
    .option(...json)
    .action(async (file: string, options: { format: 'dot' | 'mermaid'; set: string[]; json?: boolean }) =>
      ended(await (await import('./graph.js')).graph(file, options, context)),
    );
  program
    .command('schema')
    .description('print the JSON Schema of a pipeline file')
    .option(...json)
    .action(async () => ended(await (await import('./schema.js')).schema(context)));
  program
    .command('sim')
    .description('send the frames of a simulated detector to a ZeroMQ socket or another sink')
    .option('--connect <endpoint>', 'ZeroMQ endpoint to connect to, tcp://127.0.0.1:9999')
    .option('--bind <endpoint>', 'ZeroMQ endpoint to bind')
    .option('--to <sink>', 'another sink, as for relay')
    .addOption(new Option('--socket <socket>', 'kind of the ZeroMQ socket').choices(['push', 'pub']).default('push'))
    .option('--codec <codec>', 'codec of the messages (default: array-1.0)')
    .option('--pattern <pattern>', 'powder, spots, noise or counter (default: powder)')
    .option('--shape <shape>', 'height and width (default: 1024x1024)')
    .option('--dtype <dtype>', 'type of a pixel: uint8, uint16, uint32, int32 or float32 (default: uint16)')
    .option('--frames <count>', 'end after this number of frames (default: no end)', wholeNumber)
    .option('--rate <rate>', 'frames per second (default: as fast as the sink takes them)')
    .option('--seed <seed>', 'seed of the noise (default: 1)', wholeNumber)
    .option(...report)
    .option(...FAIL_ON_OPTION, parseFailOn)
    .option(...json)
    .action(async (options: SimOptions) => ended(await (await import('./sim.js')).sim(options, context)));
  addControl(program.command('ctl').description('inspect and control a running pipeline'), context, ended);
  program
    .command('top [run]')
    .description('show a running pipeline on the whole terminal: rates, queues, ledgers; q quits')
    .option('--interval <seconds>', 'seconds between two updates (default: 1)', seconds)
    .option('--once', 'print one snapshot (default without a terminal)')
    .option(...json)
    .action(async (run: string | undefined, options: TopOptions) => ended(await (await import('./top/top.js')).top(run, options, context)));
  addDeadLetters(
    program.command('dlq').description('list, show, replay and remove dead letters (frames that failed, kept as files)'),
    context,
    ended,
  );
  program
    .command('bench')
    .description('run the benches (in a clone of the repository)')
    .argument('[args...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (args: string[]) => ended(await (await import('./bench.js')).bench(args, context)));
  program
    .command('info')
    .description('print the machine, versions, SIMD, and which optional clients are installed')
    .option(...json)
    .action(async (options: { json?: boolean }) => ended(await (await import('./info.js')).info(options, context)));
  program
    .command('demo')
    .description('run a complete reduction on a simulated detector or on your own frames')
    .option('--input <file>', 'take the frames of this file (default: a simulated detector)')
    .option('--geometry <file>', "PONI file of the input's geometry; without it, an image and statistics")
    .option('--out <folder>', 'folder of the results (default: demo-out)')
    .option('--seconds <seconds>', 'time limit in seconds (default: 8 with the simulated detector, 45 otherwise)', seconds)
    .option(...FAIL_ON_OPTION, parseFailOn)
    .option('--frames <count>', 'end after this number of simulated frames', (text: string) => Number(wholeNumber(text)))
    .option(...json)
    .action(async (options: DemoOptions) => ended(await (await import('./demo.js')).demo(options, context)));
  for (const verb of ['run', 'relay', 'sim']) addOutputOptions(program.commands.find((command) => command.name() === verb)!);
  addVerbHelp(program);
  return program;
}

function addControl(ctl: Command, context: CliContext, ended: (exitCode: number) => void): void {
  const json = ['--json', 'machine-readable results and errors'] as const;
  const which = ['--run <run>', 'name, pid, folder or socket of the run; not needed if only one run is alive'] as const;
  ctl
    .command('list')
    .description('list the runs of this user that are alive')
    .option(...json)
    .action(async (options: { json?: boolean }) => ended(await (await import('./ctl/ctl.js')).listRuns(options, context)));
  const send = async (run: string | undefined, request: object, options: { json?: boolean }): Promise<void> =>
    ended(await (await import('./ctl/ctl.js')).control(run, request, options, context));
  const views = {
    status: 'print the state, name, pid, version and uptime of a run',
    progress: 'print the counters of a run',
    report: 'print the current report of a run',
    stages: 'print the operators of a run and their parameters in force',
  };
  for (const [verb, description] of Object.entries(views))
    ctl
      .command(`${verb} [run]`)
      .description(description)
      .option(...json)
      .action((run: string | undefined, options: { json?: boolean }) => send(run, { do: verb }, options));
  ctl
    .command('stop [run]')
    .description('end a run after it has delivered all frames that it received')
    .option('--now', 'end at once, without delivering frames in flight')
    .option(...json)
    .action((run: string | undefined, options: { json?: boolean; now?: boolean }) =>
      send(run, { do: options.now ? 'abort' : 'stop' }, options),
    );
  ctl
    .command('update <stage> <operator> [key=value...]')
    .description('change parameters of an operator during the run; other parameters keep their values')
    .option('--file <file>', 'take all parameters from this YAML file')
    .option(...which)
    .option(...json)
    .action(async (stage: string, operator: string, pairs: string[], options: UpdateOptions) =>
      ended(await (await import('./ctl/update.js')).update(stage, operator, pairs, options, context)),
    );
  const series = ctl.command('series').description('begin and end series');
  series
    .command('start <source> <id>')
    .description('begin a series; an open series ends first')
    .option('--expected <count>', 'number of frames that the series will have', (text: string) => Number(wholeNumber(text)))
    .option('--first <number>', 'number of its first frame (default: the number of the first frame that arrives)', (text: string) =>
      Number(wholeNumber(text)),
    )
    .option('--meta <json>', 'a JSON object to attach to the series', jsonValue)
    .option(...which)
    .option(...json)
    .action((source: string, id: string, { run, json, ...rest }: { run?: string; json?: boolean }) =>
      send(run, { do: 'series-start', source, series: seriesId(id), ...rest }, json ? { json } : {}),
    );
  series
    .command('end <source> [id]')
    .description('end a series and print its report')
    .option(...which)
    .option(...json)
    .action((source: string, id: string | undefined, options: { run?: string; json?: boolean }) =>
      send(options.run, { do: 'series-end', source, ...(id === undefined ? {} : { series: seriesId(id) }) }, options),
    );
}

/** `7` is the number 7, as in YAML. */
function seriesId(text: string): string | number {
  return /^-?(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('expected JSON.');
  }
}

function addDeadLetters(dlq: Command, context: CliContext, ended: (exitCode: number) => void): void {
  const json = ['--json', 'machine-readable results and errors'] as const;
  dlq
    .command('list <folder>')
    .description('list the dead letters of a folder')
    .option(...json)
    .action(async (folder: string, options: { json?: boolean }) =>
      ended(await (await import('./dlq/list.js')).listLetters(folder, options, context)),
    );
  dlq
    .command('show <file>')
    .description('print a dead letter: its cause, stack and header')
    .option('--data <file>', 'write the frame to this NPY file')
    .option(...json)
    .action(async (file: string, options: { json?: boolean; data?: string }) =>
      ended(await (await import('./dlq/show.js')).showLetter(file, options, context)),
    );
  const replay = dlq
    .command('replay <paths...>')
    .description('run a pipeline on the frames of dead letters, and remove the letters that are delivered')
    .requiredOption('--pipeline <file>', 'the pipeline to run')
    .option('--source <name>', 'source through which the frames enter (default: the source that each letter names)')
    .option('--set <path=value>', 'override a value of the pipeline', collect, [])
    .option(...FAIL_ON_OPTION, parseFailOn)
    .option(...json)
    .action(async (paths: string[], options: ReplayOptions) =>
      ended(await (await import('./dlq/replay.js')).replayLetters(paths, options, context)),
    );
  addOutputOptions(replay);
  dlq
    .command('drop <paths...>')
    .description('remove dead letters for good')
    .option('-y, --yes', 'do not ask for confirmation')
    .option(...json)
    .action(async (paths: string[], options: { json?: boolean; yes?: boolean }) =>
      ended(await (await import('./dlq/drop.js')).dropLetters(paths, options, context)),
    );
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function wholeNumber(value: string): string {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError('expected a whole number.');
  return value;
}

function seconds(value: string): number {
  const number = Number(value);
  if (!(number > 0) || !Number.isFinite(number)) throw new InvalidArgumentError('expected a number above 0.');
  return number;
}
