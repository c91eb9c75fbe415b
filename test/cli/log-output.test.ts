import { describe, expect, it } from 'vitest';
import { paintFor } from '../../src/cli/colour.js';
import { LogOutput, type LogOutputOptions, logFormatFor } from '../../src/cli/log-output.js';
import { table } from '../../src/cli/table.js';

function logging(options: Partial<LogOutputOptions> = {}) {
  const lines: string[] = [];
  let nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
  const log = new LogOutput((line) => lines.push(line), { level: 'info', format: 'text', now: () => nowMs, ...options });
  const wait = (ms: number): void => {
    nowMs += ms;
  };
  return { lines, log, wait };
}

describe('a log', () => {
  it('has a time stamp, the level and the fields on one line', () => {
    const { lines, log } = logging();
    log.warn({ sink: 'live', path: '/a b', stack: 'Error: x\n    at y' }, 'first\nsecond \u001b[2J');
    expect(lines).toEqual([
      'millrace: 2026-01-02T03:04:05.006Z warning: first | second ?[2J sink=live path="/a b" stack="Error: x\\n    at y"',
    ]);
  });

  it('is one JSON object a line, with the stack as a field', () => {
    const { lines, log } = logging({ format: 'json' });
    log.error({ stage: 'reduce', stack: 'Error: x\n    at y', level: 'mine', id: 12n, cause: new RangeError('z') }, 'broken\n');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      time: '2026-01-02T03:04:05.006Z',
      level: 'error',
      message: 'broken\n',
      stage: 'reduce',
      stack: 'Error: x\n    at y',
      id: '12',
      cause: { message: 'z' },
    });
    expect(lines[0]).not.toContain('\n');
  });

  it('leaves out what is below its level', () => {
    const { lines, log } = logging({ level: 'warn' });
    log.debug({}, 'a');
    log.info({}, 'b');
    log.warn({}, 'c');
    log.error({}, 'd');
    expect(lines.map((line) => line.split(' ').slice(2).join(' '))).toEqual(['warning: c', 'error: d']);
  });

  it('counts a message that repeats, whatever its numbers, and says how often it came', () => {
    const { lines, log, wait } = logging();
    for (let n = 0; n < 100; n++) log.warn({}, `frame ${n} failed`);
    log.warn({}, 'something else');
    expect(lines).toHaveLength(2);
    wait(5001);
    log.warn({ suppressed: 3 }, 'frame 100 failed');
    expect(lines[2]).toMatch(/frame 100 failed repeated=102$/);
    log.warn({ suppressed: 4 }, 'frame 101 failed');
    log.close();
    log.close();
    expect(lines).toHaveLength(4);
    expect(lines[3]).toMatch(/frame 101 failed repeated=5$/);
  });

  it('remembers a bounded number of messages, and loses no count', () => {
    const { lines, log } = logging();
    for (let n = 0; n < 3000; n++) {
      const name = [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
      log.warn({}, name);
      log.warn({}, name);
    }
    log.close();
    expect(lines.filter((line) => line.endsWith('repeated=1'))).toHaveLength(3000);
  });
});

describe('the form of the log', () => {
  it('is JSON under systemd, unless a terminal reads it', () => {
    expect(logFormatFor(false, { JOURNAL_STREAM: '8:123' })).toBe('json');
    expect(logFormatFor(false, { INVOCATION_ID: 'abc' })).toBe('json');
    expect(logFormatFor(true, { INVOCATION_ID: 'abc' })).toBe('text');
    expect(logFormatFor(false, {})).toBe('text');
  });
});

describe('colour', () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ])('terminal %s with %j: %s', (isTty, env, isColoured) => {
    expect(paintFor(isTty, env)('x', 'red')).toBe(isColoured ? '\u001b[31mx\u001b[0m' : 'x');
  });
});

describe('a table', () => {
  const head = ['source', 'dropped', 'dead', 'verdict'];
  const rows = [['detector', '5', '0', 'complete']];
  it('leaves out empty columns first, then others, in their order, until it fits', () => {
    const titles = (columns: number): string => table(head, rows, { columns, optional: ['dropped', 'dead'] })[0]!;
    expect(titles(80)).toBe('source    dropped  dead  verdict');
    expect(titles(32)).toBe('source    dropped  verdict');
    expect(titles(20)).toBe('source    verdict');
    expect(titles(5)).toBe('source    verdict');
  });
});
