import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Pipeline, recordingLogger, specFromObject } from '../support/run-pipeline.js';
import { sized } from '../support/test-size.js';

const { ControlServer } = (await import(
  '#dist/src/control/control-server.js' as string
)) as typeof import('../../src/control/control-server.js');

const home = mkdtempSync(join(tmpdir(), 'control-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const PATIENCE_MS = 5000;
const MAX_LINE_BYTES = 1 << 20; // docs/reference/control.md
const MAX_CLIENTS = 32; // the same

/** A client that does as the test says, and knows what it was answered. */
class Client {
  readonly closed: Promise<void>;
  text = '';
  isClosed = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (part) => {
      this.text += part;
    });
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    this.closed = new Promise((resolve) =>
      socket.on('close', () => {
        this.isClosed = true;
        resolve();
      }),
    );
  }

  static async open(path: string): Promise<Client> {
    const socket = connect({ path, allowHalfOpen: true });
    const client = new Client(socket);
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
    return client;
  }

  async answer(number = 0): Promise<{ id: unknown; ok: boolean; error?: { code: string }; [key: string]: unknown }> {
    for (const end = performance.now() + PATIENCE_MS; ; await delay(2)) {
      const lines = this.text.split('\n');
      if (lines.length > number + 1) return JSON.parse(lines[number]!);
      if (this.isClosed) throw new Error(`closed after ${lines.length - 1} answers`);
      if (performance.now() > end) throw new Error(`no answer ${number} came`);
    }
  }
}

async function ask(path: string, request: object): Promise<Awaited<ReturnType<Client['answer']>>> {
  const client = await Client.open(path);
  client.socket.write(`${JSON.stringify({ id: 7, ...request })}\n`);
  const answer = await client.answer();
  client.socket.destroy();
  return answer;
}

/** A source that the test feeds, a sink that it reads. */
function makePipeline(): InstanceType<typeof Pipeline> {
  return new Pipeline(
    specFromObject({
      version: 1,
      name: 'besieged',
      sources: { s: { type: 'push', maxFrame: '1KiB' } },
      stages: { cut: { from: 's', operators: [{ type: 'threshold', above: 100 }] } },
      sinks: { out: { type: 'iterate', from: 'cut' } },
    }),
    { logger: recordingLogger().logger },
  );
}

describe('a control server', () => {
  const path = join(home, 'run', 'ctl.sock');
  const pipeline = makePipeline();
  const server = new ControlServer(pipeline, { path, version: '0.0' });

  beforeAll(async () => {
    await pipeline.start();
    await server.open();
  }, 30_000);

  afterAll(async () => {
    await pipeline.abort();
    await server.close();
    await server.close();
    expect(existsSync(path)).toBe(false);
  });

  const isServed = async (): Promise<void> =>
    expect(await ask(path, { do: 'status' })).toMatchObject({ id: 7, ok: true, state: 'running' });

  it('is for its user alone', () => {
    expect(statSync(join(home, 'run')).mode & 0o777).toBe(0o700);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('answers every line that is no request with a code, and goes on with the next', async () => {
    const client = await Client.open(path);
    const garbage = [
      '',
      'garbage',
      '[]',
      'null',
      '7',
      '{}',
      '{"do":"toString"}',
      '{"do":"__proto__"}',
      '{"do":["status"]}',
      `{"do":"series-start","source":"__proto__","series":1}`,
      `{"do":"series-start","source":"s"}`,
      `{"do":"series-start","source":"s","series":"x","expected":-1}`,
      `{"do":"series-start","source":"s","series":"x","first":"y"}`,
      `{"do":"series-start","source":"s","series":"x","meta":${'{"a":'.repeat(4000)}1${'}'.repeat(4000)}}`,
      '{"do":"series-end","source":7}',
      '{"do":"update","stage":"cut","operator":{},"params":{}}',
      '{"do":"update","stage":"cut","operator":0,"params":[]}',
      '{"do":"update","stage":"constructor","operator":0,"params":{}}',
      '['.repeat(500_000),
    ];
    client.socket.write(Buffer.concat([Buffer.from([0xff, 0xfe, 0, 10]), Buffer.from(`${garbage.join('\n')}\n{"id":1,"do":"status"}\n`)]));
    for (let i = 0; i <= garbage.length; i++) {
      const { ok, error } = await client.answer(i);
      expect(ok, garbage[i - 1]).toBe(false);
      expect(error!.code, garbage[i - 1]).toMatch(/^ERR_(USAGE|STATE|CONFIG_INVALID|MESSAGE_TOO_LARGE)$/);
    }
    expect(await client.answer(garbage.length + 1)).toMatchObject({ id: 1, ok: true, name: 'besieged' });
    client.socket.destroy();
  });

  it('answers the requests of one client in their order, however the bytes are cut', async () => {
    const client = await Client.open(path);
    const bytes = Buffer.from(Array.from({ length: 20 }, (_, id) => `{"id":${id},"do":"progress","x":"é"}\n`).join(''));
    for (let at = 0; at < bytes.length; at += 7) {
      client.socket.write(bytes.subarray(at, at + 7));
      if (at % 70 === 0) await delay(1);
    }
    for (let id = 0; id < 20; id++) expect(await client.answer(id)).toMatchObject({ id, ok: true });
    client.socket.destroy();
  });

  it('answers who has closed its sending end', async () => {
    const client = await Client.open(path);
    client.socket.end('{"id":"a","do":"series-start","source":"s","series":1}\n{"id":"b","do":"series-end","source":"s"}\n');
    expect(await client.answer(0)).toMatchObject({ id: 'a', ok: true });
    expect(await client.answer(1)).toMatchObject({ id: 'b', ok: true, closed: { id: 1, ended: 'end' } });
    await client.closed;
  });

  it('answers a line over 1 MiB with a code, and disconnects even who goes on writing', async () => {
    const client = await Client.open(path);
    const started = performance.now();
    // Who writes all before it reads, as a blocking client does, gets that far.
    const written = await new Promise((resolve) => client.socket.write(Buffer.alloc(2 * MAX_LINE_BYTES, 'x'), resolve));
    expect(written ?? undefined).toBeUndefined();
    expect(await client.answer()).toMatchObject({ id: null, ok: false, error: { code: 'ERR_USAGE' } });
    const more = setInterval(() => client.socket.write(Buffer.alloc(65536, 'y')), 5);
    await client.closed;
    clearInterval(more);
    expect(performance.now() - started).toBeLessThan(PATIENCE_MS);
    expect(client.text.split('\n')).toHaveLength(2);
    await isServed();
  });

  it('takes a line of just 1 MiB', async () => {
    const client = await Client.open(path);
    const head = '{"id":1,"do":"status","x":"';
    client.socket.write(`${head}${'x'.repeat(MAX_LINE_BYTES - head.length - 2)}"}\n`);
    expect(await client.answer()).toMatchObject({ id: 1, ok: true });
    client.socket.destroy();
  });

  it('serves others while one has sent half a line', async () => {
    const silent = await Client.open(path);
    silent.socket.write('{"id":1,"do":"sta');
    await isServed();
    silent.socket.write('tus"}\n');
    expect(await silent.answer()).toMatchObject({ id: 1, ok: true });
    silent.socket.destroy();
  });

  it('of 200 connections serves 32, closes the others, and serves again once they are gone', async () => {
    const clients = await Promise.all(Array.from({ length: 200 }, () => Client.open(path)));
    for (const client of clients) if (!client.isClosed) client.socket.write('{"id":1,"do":"status"}\n');
    const answers = await Promise.allSettled(clients.map((client) => client.answer()));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX_CLIENTS);
    expect(clients.filter(({ isClosed }) => !isClosed)).toHaveLength(MAX_CLIENTS);
    for (const client of clients) client.socket.destroy();
    await delay(50);
    await isServed();
  });

  it('does not mind who leaves in the middle of an answer, or does not read', async () => {
    const deaf = await Client.open(path);
    deaf.socket.pause();
    deaf.socket.write('{"do":"report"}\n'.repeat(20_000));
    const gone = await Client.open(path);
    gone.socket.write('{"do":"report"}\n'.repeat(2000));
    await delay(20);
    gone.socket.destroy();
    await isServed();
    deaf.socket.destroy();
    await isServed();
  });

  it('changes parameters, tells those in force, and what is refused changes nothing', async () => {
    const stages = async () => (await ask(path, { do: 'stages' })).stages as { hash: string; epoch: number; operators: unknown[] }[];
    const [before] = await stages();
    expect(before).toMatchObject({ name: 'cut', epoch: 0, operators: [{ type: 'threshold', params: { above: 100 } }] });
    const changed = await ask(path, { do: 'update', stage: 'cut', operator: 'threshold', params: { above: 9 } });
    expect(changed).toMatchObject({ ok: true, epoch: 1 });
    expect(changed.hash).not.toBe(before!.hash);
    expect(await ask(path, { do: 'update', stage: 'cut', operator: 0, params: { over: 9 } })).toMatchObject({
      ok: false,
      error: { code: 'ERR_CONFIG_INVALID' },
    });
    expect(await stages()).toMatchObject([{ hash: changed.hash, epoch: 1, operators: [{ params: { above: 9 } }] }]);
    const gone = await Client.open(path);
    await new Promise((resolve) =>
      gone.socket.write('{"do":"update","stage":"cut","operator":0,"params":{"above":5}}\n', () => resolve(gone.socket.destroy())),
    );
    for (let i = 0; i < 500 && (await stages())[0]!.epoch < 2; i++) await delay(5);
    expect(await stages()).toMatchObject([{ epoch: 2, operators: [{ params: { above: 5 } }] }]);
  });
});

it('a client that waits for an answer when the run ends is told so', { timeout: 30_000 }, async () => {
  const path = join(home, 'ends', 'ctl.sock');
  const pipeline = makePipeline();
  await pipeline.start();
  const server = new ControlServer(pipeline, { path });
  await server.open();
  await ask(path, { do: 'series-start', source: 's', series: 'held' });
  // Nobody reads the sink: what was pushed stays under way, and so the series cannot end.
  for (let n = 0; n < 100; n++)
    void pipeline
      .source('s')
      .push({ data: new Uint8Array(64), shape: [8, 8], sequence: n })
      .catch(() => {});
  await delay(200);
  expect(pipeline.progress().inFlight).toBeGreaterThan(0);
  const waiting = await Client.open(path);
  waiting.socket.write('{"id":1,"do":"series-end","source":"s"}\n');
  await delay(100);
  expect(waiting.text).toBe('');
  expect(await ask(path, { do: 'abort' })).toMatchObject({ ok: true });
  await pipeline.closed;
  await server.close();
  expect(await waiting.answer()).toMatchObject({ id: 1, ok: false, error: { code: 'ERR_CLOSED' } });
  await waiting.closed;
});

describe('a client that keeps a place and does nothing', () => {
  const idleMs = 2000;
  const silent: readonly [string, (socket: Socket) => void][] = [
    ['says nothing', () => {}],
    ['ends its side of it, and does not read', (socket) => socket.pause().end('{"do":"report"}\n'.repeat(5000))],
    ['never ends its line', (socket) => setInterval(() => socket.write('x'), 20).unref()],
    ['says nothing after an answer', (socket) => socket.write('{"do":"status"}\n')],
  ];
  for (const [what, act] of sized(silent.slice(1, 2), silent)) {
    it(`loses it in time, to those who wait for one: ${what}`, { timeout: 30_000 }, async () => {
      const path = join(home, `idle-${silent.findIndex(([name]) => name === what)}`, 'ctl.sock');
      const server = new ControlServer(makePipeline(), { path, idleMs });
      await server.open();
      const startMs = performance.now();
      const clients = await Promise.all(Array.from({ length: MAX_CLIENTS }, () => Client.open(path)));
      for (const { socket } of clients) act(socket);
      const lateMs = performance.now();
      const late = await Client.open(path);
      await late.closed; // at once: there is no place
      expect(performance.now() - lateMs).toBeLessThan(idleMs);
      for (;;) {
        const answer = await ask(path, { do: 'status' }).catch(() => undefined);
        if (answer) break;
        if (performance.now() - startMs > PATIENCE_MS) throw new Error('no place became free');
        await delay(20);
      }
      expect(performance.now() - startMs).toBeGreaterThanOrEqual(idleMs - 10);
      for (const { socket } of clients) socket.destroy();
      await server.close();
    });
  }

  it('keeps it while it waits for an answer', { timeout: 30_000 }, async () => {
    const path = join(home, 'waits', 'ctl.sock');
    const pipeline = makePipeline();
    await pipeline.start();
    const server = new ControlServer(pipeline, { path, idleMs });
    await server.open();
    await ask(path, { do: 'series-start', source: 's', series: 'held' });
    await pipeline.source('s').push({ data: new Uint8Array(64), shape: [8, 8] });
    const client = await Client.open(path);
    client.socket.write('{"id":1,"do":"series-end","source":"s"}\n');
    await delay(2 * idleMs); // nobody reads the sink: the series cannot end
    expect([client.isClosed, client.text]).toEqual([false, '']);
    void (async () => {
      for await (const _ of pipeline.sink('out'));
    })();
    expect(await client.answer()).toMatchObject({ id: 1, ok: true, closed: { id: 'held' } });
    client.socket.destroy();
    await pipeline.abort();
    await server.close();
  });
});

describe('the path of a control socket', () => {
  const pipeline = makePipeline(); // not started: a status is all that is asked
  const open = async (path: string): Promise<InstanceType<typeof ControlServer>> => {
    const server = new ControlServer(pipeline, { path });
    await server.open();
    return server;
  };

  it('is refused when it is longer than the system takes', async () => {
    const folder = join(home, 'long');
    const most = join(folder, 'x'.repeat(107 - folder.length - 1));
    await expect(open(`${most}y`)).rejects.toMatchObject({ code: 'ERR_USAGE' });
    const server = await open(most);
    expect(await ask(most, { do: 'status' })).toMatchObject({ ok: true, state: 'new' });
    await server.close();
  });

  it('can at no moment be opened by others, whatever the umask', async () => {
    const path = join(home, 'umask', 'ctl.sock');
    const before = process.umask(0);
    try {
      const modes = new Set<number>();
      let isOver = false;
      const look = (): void => {
        const found = statSync(path, { throwIfNoEntry: false });
        if (found) modes.add(found.mode & 0o777);
        if (!isOver) setImmediate(look);
      };
      look();
      const server = await open(path);
      await delay(20);
      isOver = true;
      expect([...modes]).toEqual([0o600]);
      expect(readdirSync(join(home, 'umask'))).toEqual(['ctl.sock']);
      await server.close();
      expect(existsSync(path)).toBe(false);
    } finally {
      process.umask(before);
    }
  });

  it('is taken over from a process that was killed, and never from one that serves it', async () => {
    const path = join(home, 'stale', 'ctl.sock');
    mkdirSync(join(home, 'stale'), { mode: 0o700 });
    const { spawnSync } = await import('node:child_process');
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    expect(spawnSync(process.execPath, ['-e', script]).signal).toBe('SIGKILL');
    expect(existsSync(path)).toBe(true);
    const server = await open(path);
    await expect(open(path)).rejects.toMatchObject({ code: 'ERR_STATE' });
    expect(await ask(path, { do: 'status' })).toMatchObject({ ok: true });
    await server.close();
  });

  it('of a file that is no socket is refused, and the file stays', async () => {
    const path = join(home, 'plain', 'ctl.sock');
    mkdirSync(join(home, 'plain'), { mode: 0o700 });
    writeFileSync(path, 'precious');
    await expect(open(path)).rejects.toMatchObject({ code: 'ERR_STATE' });
    expect(statSync(path).size).toBe(8);
  });

  it('is refused in a folder that is a link, belongs to somebody else, or is writable by others', async () => {
    mkdirSync(join(home, 'real'), { mode: 0o700 });
    symlinkSync(join(home, 'real'), join(home, 'link'));
    mkdirSync(join(home, 'shared'));
    chmodSync(join(home, 'shared'), 0o770);
    for (const folder of ['link', 'shared'])
      await expect(open(join(home, folder, 'ctl.sock')), folder).rejects.toMatchObject({ code: 'ERR_STATE' });
    let foreign = '/';
    if (process.getuid!() === 0) {
      foreign = join(home, 'foreign');
      mkdirSync(foreign, { mode: 0o700 });
      chownSync(foreign, 65534, 65534);
    }
    await expect(open(join(foreign, 'ctl.sock'))).rejects.toMatchObject({ code: 'ERR_STATE' });
    expect(existsSync(join(home, 'real', 'ctl.sock'))).toBe(false);
  });
});

it('a path in use by somebody who is no run is refused too', async () => {
  const path = join(home, 'other', 'ctl.sock');
  mkdirSync(join(home, 'other'), { mode: 0o700 });
  const other = createServer((socket) => socket.on('error', () => {}).end('hello\n'));
  await new Promise<void>((resolve) => other.listen(path, resolve));
  await expect(new ControlServer(makePipeline(), { path }).open()).rejects.toMatchObject({ code: 'ERR_STATE' });
  other.close();
});
