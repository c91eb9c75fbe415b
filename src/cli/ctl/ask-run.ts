import { connect } from 'node:net';
import { MillraceError } from '../../errors/errors.js';

export type Answer = Readonly<Record<string, unknown>> & {
  readonly ok: boolean;
  readonly error?: { readonly code: string; readonly message: string };
};

/**
 * One request, one answer. ERR_CLOSED: no process listens, the run ended meanwhile or has too many clients, or no
 * answer came within `timeoutMs`.
 */
export function askRun(path: string, request: object, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${JSON.stringify({ id: 1, ...request })}\n`));
    let text = '';
    const fail = (message: string): void => {
      socket.destroy();
      reject(new MillraceError('ERR_CLOSED', message));
    };
    options.signal?.addEventListener('abort', () => fail('interrupted; the run continues'), { once: true });
    if (options.timeoutMs) socket.setTimeout(options.timeoutMs, () => fail(`no answer from ${path}`));
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      text += part;
      if (!text.includes('\n')) return;
      socket.destroy();
      try {
        resolve(JSON.parse(text.slice(0, text.indexOf('\n'))) as Answer);
      } catch {
        fail(`the answer from ${path} is not one of a run`);
      }
    });
    socket.on('error', (error) => fail(`no run answers at ${path}: ${error.message}`));
    socket.on('close', () => fail('connection closed without an answer: the run has ended or serves too many clients'));
  });
}
