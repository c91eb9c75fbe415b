import { describe, expect, it } from 'vitest';
import { parsePipeline } from '../../src/spec/load.js';

const pipeline = (source: string, sink = 'connect: "tcp://127.0.0.1:5556"'): string => `version: 1
sources:
  in: { type: zmq, ${source} }
sinks:
  out: { type: zmq, from: in, ${sink} }
`;
const parse = (source: string, sink?: string) => parsePipeline(pipeline(source, sink), { file: 'p.yaml', baseDir: '/', env: {} });
const SOURCE = 'connect: "tcp://127.0.0.1:5555"';
const KEY = 'rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7';

describe('the driver of zmq', () => {
  it('is zmtp unless it is asked for', async () => {
    const { sources, sinks } = await parse(SOURCE);
    expect([sources.in!.options.driver, sinks.out!.options.driver]).toEqual(['zmtp', 'zmtp']);
  });

  it('libzmq takes whatever endpoint it is given, and CURVE', async () => {
    const { sources } = await parse(`driver: libzmq, bind: "inproc://a", curve: { server: true, secretKey: "${KEY}" }`);
    expect(sources.in!.options).toMatchObject({ driver: 'libzmq', bind: 'inproc://a' });
  });

  /** What is refused, in which source, before which text, and why. */
  const refused: [string, string, string, RegExp][] = [
    ['inproc', 'bind: "inproc://a"', '"inproc://a"', /driver zmtp speaks tcp and ipc: 'inproc' needs driver: libzmq/],
    ['pgm among others', 'bind: ["tcp://127.0.0.1:1", "pgm://eth0;1.1.1.1:5"]', '"pgm:', /'pgm' needs driver: libzmq/],
    ['an endpoint without a port', 'connect: "tcp://127.0.0.1"', '"tcp://127.0.0.1"', /tcp:\/\/host:port/],
    ['a wildcard to connect to', 'connect: "tcp://*:5555"', '"tcp://*', /wildcard is only for binding/],
    ['CURVE', `${SOURCE}, curve: { server: true, secretKey: "${KEY}" }`, '{ server', /driver zmtp has no CURVE: it needs driver: libzmq/],
    [
      'passwords that libzmq would not check',
      `driver: libzmq, ${SOURCE}, plain: { server: true, username: a, password: b }`,
      'true, username',
      /driver libzmq checks no passwords: server: true needs driver: zmtp/,
    ],
    [
      'two mechanisms',
      `driver: libzmq, ${SOURCE}, plain: { username: a, password: b }, curve: { server: true, secretKey: "${KEY}" }`,
      '{ server',
      /not both/,
    ],
    [
      'a client of CURVE without the key of its server',
      `driver: libzmq, ${SOURCE}, curve: { secretKey: "${KEY}" }`,
      '{ secretKey',
      /needs publicKey/,
    ],
    ['a topic to a PULL', `${SOURCE}, subscribe: a`, 'a }', /subscribe needs socket: sub/],
    ['a topic part to a PULL', `${SOURCE}, topicPart: true`, 'true', /topicPart needs socket: sub/],
    ['a driver that is none', `driver: zeromq, ${SOURCE}`, 'zeromq', /must be zmtp or libzmq/],
    ['a user name without a password', `${SOURCE}, plain: { username: a }`, 'plain:', /needs the key 'password'/],
  ];
  it.each(refused)('%s: refused with its place', async (_, source, text, message) => {
    const error = await parse(source).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringMatching(message) });
    expect((error as Error).message).toContain(`p.yaml:3:${pipeline(source).split('\n')[2]!.lastIndexOf(text) + 1}:`);
  });

  it('tells all that is wrong at once, of sinks too', async () => {
    await expect(parse('connect: "inproc://a"', 'connect: "udp://b", topic: t')).rejects.toMatchObject({
      errors: [{ place: { line: 3 } }, { place: { line: 5 } }, { place: { line: 5 } }],
    });
  });
});
