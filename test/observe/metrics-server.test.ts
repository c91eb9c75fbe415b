import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsServer } from '../../src/observe/metrics-server.js';

describe('metrics server', () => {
  let server: MetricsServer | undefined;
  afterEach(() => server?.close());

  async function start(options: Partial<ConstructorParameters<typeof MetricsServer>[0]> = {}): Promise<string> {
    server = new MetricsServer({ port: 0, text: () => 'millrace_x 1\n', ready: () => true, ...options });
    const { host, port } = await server.open();
    expect(host).toBe('127.0.0.1');
    return `http://${host}:${port}`;
  }

  it('serves the text with the content type of the exposition format', async () => {
    const answer = await fetch(`${await start()}/metrics?x=1`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toBe('millrace_x 1\n');
  });

  it('is not ready until told so, and answers a ping all the while', async () => {
    let ready = false;
    const url = await start({ ready: () => ready });
    expect((await fetch(`${url}/ready`)).status).toBe(503);
    expect((await fetch(`${url}/ping`)).status).toBe(200);
    ready = true;
    expect((await fetch(`${url}/ready`)).status).toBe(200);
  });

  it('refuses other paths and methods, and hides why the metrics failed', async () => {
    const url = await start({
      text: () => {
        throw new Error('secret');
      },
    });
    expect((await fetch(`${url}/etc/passwd`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405);
    const failed = await fetch(`${url}/metrics`);
    expect(failed.status).toBe(500);
    expect(await failed.text()).not.toContain('secret');
  });

  it('answers one request of a client at a time, and one a connection', async () => {
    const text = 'x'.repeat(64 * 2 ** 20);
    const url = new URL(await start({ text: () => text }));
    const slow = connect(Number(url.port), url.hostname);
    const request = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
    slow.write(request.repeat(100));
    await once(slow, 'readable');
    slow.pause();
    expect((await fetch(`${url.origin}/metrics`)).status).toBe(429);
    slow.destroy();
    await expect.poll(async () => (await fetch(`${url.origin}/ping`)).status).toBe(200);
    let answers = 0;
    const pipelined = connect(Number(url.port), url.hostname);
    pipelined.write('GET /ping HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(100));
    for await (const bytes of pipelined) answers += String(bytes).split('HTTP/1.1 ').length - 1;
    expect(answers).toBe(1);
  });

  it('may be closed twice, and its port is then free', async () => {
    const url = await start();
    await fetch(`${url}/ping`);
    await server!.close();
    await server!.close();
    await expect(fetch(`${url}/ping`)).rejects.toThrow();
  });

  it('names the address when the port is taken', async () => {
    const port = Number(new URL(await start()).port);
    const second = new MetricsServer({ port, text: () => '', ready: () => true });
    await expect(second.open()).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });
});
