import { type Command, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS, type LogFormat, type LogLevelName } from './log-output.js';

/** What the verbs that run a pipeline print, and how. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly silent?: boolean;
  readonly wide?: boolean;
  /** Seconds between lines of progress. */
  readonly progress?: number | 'off';
  readonly logLevel?: LogLevelName;
  readonly logFormat?: LogFormat;
}

/** Adds the options to a verb. */
export function addOutputOptions(command: Command): Command {
  return command
    .option('-q, --quiet', 'print only the summary, warnings and errors')
    .option('--silent', 'print only errors')
    .option('--wide', 'print all columns of the summary, whatever the width of the terminal')
    .option(
      '--progress <seconds>',
      'seconds between two lines of progress, or off (default: 30; on a terminal one line that updates)',
      parseProgress,
    )
    .addOption(
      new Option(
        '--log-level <level>',
        'lowest level of the messages on stderr (default: info, with --quiet warn, with --silent error)',
      ).choices(LOG_LEVELS),
    )
    .addOption(
      new Option('--log-format <format>', 'format of the lines on stderr (default: text, json under systemd)').choices(['text', 'json']),
    );
}

function parseProgress(text: string): number | 'off' {
  if (text === 'off') return 'off';
  const seconds = Number(text);
  // Node timers take at most 2^31 - 1 ms.
  if (text.trim() === '' || !(seconds >= 0.1) || seconds > 2_000_000)
    throw new InvalidArgumentError('expected seconds (at least 0.1) or off.');
  return seconds;
}
