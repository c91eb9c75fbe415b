import { describe, expect, it } from 'vitest';
import { list } from '../../src/cli/list.js';
import type { EgressDefinition } from '../../src/egress/egress.js';
import { MillraceError } from '../../src/errors/errors.js';
import { relaySpec } from '../../src/spec/relay-url.js';
import { pipelineSchema } from '../../src/spec/schema.js';
import type { PipelineSpec } from '../../src/spec/spec.js';
import { FAKES } from './fake-registries.js';

const relay = (source: string, sink?: string, throughs: string[] = []): PipelineSpec =>
  relaySpec(source, sink, throughs, { registries: FAKES });

function usageOf(source: string, sink?: string, throughs: string[] = []): string {
  try {
    relay(source, sink, throughs);
  } catch (thrown) {
    if (!(thrown instanceof MillraceError)) throw thrown;
    return `${thrown.code} ${thrown.message}`;
  }
  return 'accepted';
}

describe('the address of a source', () => {
  it.each([
    ['zmq+pull://127.0.0.1:9999', { type: 'zmq', options: { socket: 'pull', connect: 'tcp://127.0.0.1:9999' }, codec: 'array-1.0' }],
    ['zmq+sub://[::1]:9999?codec=msgpack', { type: 'zmq', options: { socket: 'sub', connect: 'tcp://[::1]:9999' }, codec: 'msgpack' }],
    ['zmq+pull://*:9999?bind=1', { type: 'zmq', options: { socket: 'pull', bind: 'tcp://*:9999' } }],
    ['zmq+pull:///tmp/a.sock?bind=0', { type: 'zmq', options: { socket: 'pull', connect: 'ipc:///tmp/a.sock' } }],
    [
      'sim:?frames=100&shape=64x32&pattern=counter&rate=2.5',
      { type: 'sim', options: { frames: 100, shape: [64, 32], pattern: 'counter', rate: 2.5 } },
    ],
    ['sim:?loop=true', { options: { loop: true } }],
    ['sim:?loop=3&maxFrame=2MiB', { options: { loop: 3 }, maxFrameBytes: 2_097_152 }],
    ['file:///data/a%20b.h5', { type: 'file', options: { path: '/data/a b.h5' } }],
    ['file:rel/*.npy', { options: { path: 'rel/*.npy' } }],
  ])('%s', (url, source) => {
    expect(relay(url).sources.source).toMatchObject(source);
  });
});

describe('the address of a sink', () => {
  it.each([
    ['zmq+push://h:1', { type: 'zmq', options: { socket: 'push', connect: 'tcp://h:1' } }],
    [
      'zmq+pub://*:1?bind=true&overflow=latest',
      { type: 'zmq', options: { socket: 'pub', bind: 'tcp://*:1' }, overflow: { kind: 'latest' } },
    ],
    ['redis://u:p@h:6379/profiles?maxlen=10', { type: 'redis', options: { url: 'redis://u:p@h:6379', stream: 'profiles', maxlen: 10 } }],
    ['redis://h:6379?channel=live', { options: { url: 'redis://h:6379', channel: 'live' } }],
    ['kafka://a:1,b:2/topic?acks=1', { type: 'kafka', options: { brokers: ['a:1', 'b:2'], topic: 'topic', acks: true } }],
    ['file:///out/{ordinal}.npy?format=npy', { type: 'file', options: { path: '/out/{ordinal}.npy', format: 'npy' } }],
    ['print:', { type: 'print', options: {} }],
    ['null:?order=none', { type: 'null', order: 'none' }],
  ])('%s', (url, sink) => {
    expect(relay('sim:', url).sinks.sink).toMatchObject({ ...sink, from: ['source'] });
  });

  it('is print when it is left out', () => {
    expect(relay('sim:').sinks.sink!.type).toBe('print');
  });
});

describe('operators on the way', () => {
  it('make one stage, in their order, with typed parameters', () => {
    const spec = relay('sim:', 'null:', ['rebin:factor=4', 'crop:region=1,2,3,4,name=a=b', 'rebin']);
    expect(spec.stages.through).toMatchObject({
      from: ['source'],
      operators: [
        { type: 'rebin', params: { factor: 4 } },
        { type: 'crop', params: { region: [1, 2, 3, 4], name: 'a=b' } },
        { type: 'rebin', params: { factor: 2 } },
      ],
    });
    expect(spec.sinks.sink!.from).toEqual(['through']);
  });

  it('may be a module, with parameters', () => {
    const module = new URL('./fake-registries.ts', import.meta.url).href;
    expect(relay('sim:', 'null:', [`${module}:threshold=5,name=x`]).stages.through!.operators[0]).toMatchObject({
      type: module,
      params: { threshold: 5, name: 'x' },
    });
    expect(usageOf('sim:', 'null:', ['./gone.mjs'])).toMatch(/^ERR_CONFIG_FILE .*gone\.mjs/);
  });
});

describe('what is malformed is refused as usage, with what was expected', () => {
  it.each<[string, string | undefined, string[], RegExp]>([
    ['detector', undefined, [], /'detector': not the address of a source, which is zmq\+pull:\/\/HOST:PORT/],
    ['zmq+pull://host', undefined, [], /expected zmq\+pull:\/\/HOST:PORT/],
    ['zmq+pull://host:99999', undefined, [], /expected zmq\+pull:\/\/HOST:PORT/],
    ['zmq+push://h:1', undefined, [], /zmq\+push is a sink, and a source is wanted/],
    ['zmq+pul://h:1', undefined, [], /expected zmq\+pull:\/\//],
    ['zmq://h:1', undefined, [], /expected zmq\+pull:\/\/ or zmq\+sub:\/\//],
    ['zmq+pull://h:1?bind=maybe', undefined, [], /expected bind=1 or bind=0/],
    ['redis://h:1/s', undefined, [], /redis is a sink, and a source is wanted/],
    ['sin:', undefined, [], /there is no source 'sin', did you mean 'sim'\?/],
    ['sim:?frames', undefined, [], /'frames' in the query is not key=value/],
    ['sim:?frames=many', undefined, [], /sim:\?frames=\.\.\.: 'frames' must be a whole number, not 'many'/],
    ['sim:?frame=1', undefined, [], /unknown key 'frame', did you mean 'frames'\?/],
    ['sim:?type=zmq', undefined, [], /'type' cannot stand in the query/],
    ['sim:?a=%zz', undefined, [], /% that is not followed by two hexadecimal digits/],
    ['sim://host', undefined, [], /expected sim:/],
    ['sim:', 'redis://h:1', [], /expected redis:\/\/HOST:PORT\/STREAM/],
    ['sim:', 'kafka://h/topic', [], /expected kafka:\/\/HOST:PORT\/TOPIC/],
    ['sim:', 'kafka://h:1', [], /expected kafka:\/\/HOST:PORT\/TOPIC/],
    ['sim:', 'file:', [], /expected file:PATH/],
    ['sim:', 'null:', ['rebim'], /there is no operator 'rebim', did you mean 'rebin'\?/],
    ['sim:', 'null:', ['rebin:factor=0'], /rebin:factor=0: 'factor' must be at least 1, not 0/],
    ['sim:', 'null:', ['rebin:factor=1,factor=2'], /'factor' is given twice/],
  ])('%s %s %s', (source, sink, throughs, message) => {
    const told = usageOf(source, sink, throughs);
    expect(told).toMatch(/^ERR_USAGE /);
    expect(told).toMatch(message);
  });
});

describe('a sink that its definition alone adds', () => {
  const tape: EgressDefinition = {
    type: 'tape',
    description: 'Writes frames to a tape.',
    address: { forms: ['tape:REEL'], read: ({ path }) => (path ? { options: { reel: Number(path) } } : 'tape:REEL') },
    options: { type: 'object', properties: { reel: { type: 'integer' } }, required: ['reel'], additionalProperties: false },
    create: () => expect.unreachable(),
  };
  const registries = { ...FAKES, sinks: new Map([...FAKES.sinks, ['tape', tape]]) };

  it('has an address in relay', () => {
    expect(relaySpec('sim:', 'tape:4', [], { registries }).sinks.sink).toMatchObject({ type: 'tape', options: { reel: 4 } });
    expect(() => relaySpec('sim:', 'tape:', [], { registries })).toThrow(/expected tape:REEL/);
    expect(() => relaySpec('sim:', 'disc:', [], { registries })).toThrow(/there is no sink 'disc'.*tape:REEL/);
  });

  it('has its options in the schema', () => {
    expect(pipelineSchema(registries).$defs).toMatchObject({ 'sink-tape': { properties: { reel: { type: 'integer' } } } });
  });

  it('is in the list, with its options and its address', async () => {
    const lines: string[] = [];
    await list('sinks', {}, { output: { out: (line: string) => lines.push(line) } } as never, registries);
    const text = lines.join('\n');
    expect(text).toContain('tape: Writes frames to a tape.');
    expect(text).toMatch(/reel\* \(integer\)/);
    expect(text).toContain('relay: tape:REEL');
  });
});
