/** A terminal that shows one screen. Tests provide their own. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
  readonly unicode: boolean;
  write(text: string): void;
  /**
   * Opens the alternate screen and reports keys and changes of size; the returned function restores everything, once.
   */
  open(onKey: (key: string) => void, onResize: () => void): () => void;
}

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[2J';
const LEAVE = '\u001b[?25h\u001b[?1049l';

/** The terminal of this process; undefined where the output is not a capable terminal. */
export function processTerminal(): Terminal | undefined {
  const { stdin, stdout, env } = process;
  if (!stdout.isTTY || env.TERM === 'dumb') return undefined;
  return {
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    color: !env.NO_COLOR,
    unicode: /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || ''),
    write: (text) => void stdout.write(text),
    open(onKey, onResize) {
      let isOpen = true;
      const onData = (data: Buffer): void => {
        for (const key of data.toString('latin1')) onKey(key);
      };
      const close = (): void => {
        if (!isOpen) return;
        isOpen = false;
        process.off('exit', close);
        stdout.off('resize', onResize);
        if (stdin.isTTY) {
          stdin.off('data', onData);
          stdin.setRawMode(false);
          stdin.pause();
        }
        stdout.write(LEAVE);
      };
      // However the process ends, the shell gets its screen back.
      process.once('exit', close);
      stdout.on('resize', onResize);
      if (stdin.isTTY) {
        stdin.setRawMode(true);
        stdin.on('data', onData);
        stdin.resume();
      }
      stdout.write(ENTER);
      return close;
    },
  };
}
