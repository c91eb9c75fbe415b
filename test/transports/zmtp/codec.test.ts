import { describe, expect, test } from 'vitest';
import {
  decodeCommand,
  decodeHello,
  decodeMetadata,
  decodePing,
  encodeCommand,
  encodeError,
  encodeHello,
  encodeMetadata,
  encodePing,
} from '../../../src/transports/zmtp/command.js';
import { frame } from '../../../src/transports/zmtp/frame-layout.js';
import { FrameParser, type FrameSink } from '../../../src/transports/zmtp/frame-parser.js';
import { encodeGreetingRest, encodeSignature, GreetingReader } from '../../../src/transports/zmtp/greeting.js';
import { TopicTree } from '../../../src/transports/zmtp/topic-tree.js';

// Bytes are written out by hand from the grammars of the RFCs 15, 23, 24 and 37.
const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');

describe('the greeting', () => {
  const whole = `ff 0000000000000001 7f 03 01 ${Buffer.from('NULL').toString('hex')} ${'00'.repeat(16)} 00 ${'00'.repeat(31)}`;

  test('of ZMTP 3.1 has 64 bytes, as in the RFC', () => {
    expect(Buffer.concat([encodeSignature(), encodeGreetingRest('NULL', false)])).toEqual(hex(whole));
  });

  test('is read in pieces of any size, and stops after the major version', () => {
    for (const step of [1, 2, 11, 64]) {
      const reader = new GreetingReader();
      const bytes = Buffer.concat([hex(whole), hex('aabb')]);
      let offset = 0;
      while (!reader.complete) offset = reader.push(bytes, offset, Math.min(offset + step, bytes.length));
      expect(offset).toBe(64);
      expect(reader.take()).toMatchObject({ major: 3, minor: 1, mechanism: 'NULL', asServer: false });
    }
  });

  test('of ZMTP 2.0 ends with the socket type', () => {
    const reader = new GreetingReader();
    const bytes = hex('ff 0000000000000001 7f 01 07 00 00');
    expect(reader.push(bytes, reader.push(bytes, 0, bytes.length), bytes.length)).toBe(12);
    expect(reader.take()).toMatchObject({ major: 2, socketTypeNumber: 7 });
  });

  test.each(['01 00', '47 45 54 20', 'ff 0000000000000001 7e', 'ff 0000000000000001 7f 00'])('%s is no greeting of ours', (text) => {
    const bytes = hex(text);
    expect(() => new GreetingReader().push(bytes, 0, bytes.length)).toThrow(expect.objectContaining({ code: 'ERR_PEER_PROTOCOL' }));
  });
});

describe('commands', () => {
  test('READY carries its metadata as the RFC lays it out', () => {
    const ready = encodeCommand('READY', encodeMetadata([['Socket-Type', Buffer.from('PULL')]]));
    expect(ready).toEqual(
      Buffer.concat([hex('04 1a 05'), Buffer.from('READY'), hex('0b'), Buffer.from('Socket-Type'), hex('00000004'), Buffer.from('PULL')]),
    );
    expect(decodeMetadata(decodeCommand(ready.subarray(2)).data).get('socket-type')).toEqual(Buffer.from('PULL'));
  });

  test('PING, ERROR and HELLO are laid out as in the RFCs', () => {
    expect(encodePing(2500, Buffer.from('c'))).toEqual(
      Buffer.concat([hex('04 08 04'), Buffer.from('PING'), hex('0019'), Buffer.from('c')]),
    );
    expect(encodeError('no')).toEqual(Buffer.concat([hex('04 09 05'), Buffer.from('ERROR'), hex('02'), Buffer.from('no')]));
    const hello = encodeHello('ann', 'pw');
    expect(hello).toEqual(
      Buffer.concat([hex('04 0d 05'), Buffer.from('HELLO'), hex('03'), Buffer.from('ann'), hex('02'), Buffer.from('pw')]),
    );
    expect(decodeHello(decodeCommand(hello.subarray(2)).data)).toEqual({ username: 'ann', password: 'pw' });
  });

  test.each(['', '00', '05 41'])('a body %s is no command', (text) => {
    expect(() => decodeCommand(hex(text))).toThrow(expect.objectContaining({ code: 'ERR_PEER_PROTOCOL' }));
  });

  test.each(['05', '01 41 0000', '01 41 00000005 00', '00 00000000', '01 41 ffffffff'])('%s is no metadata', (text) => {
    expect(() => decodeMetadata(hex(text))).toThrow(expect.objectContaining({ code: 'ERR_PEER_PROTOCOL' }));
  });

  test('the refusal of libzmq, which misspells its name, is read as the ERROR that it means', () => {
    expect(decodeCommand(hex('5e 52524f52 03 343030'))).toEqual({ name: 'ERROR', data: hex('03 343030') });
  });

  test('a PING context over 16 bytes is refused', () => {
    expect(() => decodePing(Buffer.alloc(19))).toThrow(expect.objectContaining({ code: 'ERR_PEER_PROTOCOL' }));
    expect(decodePing(Buffer.alloc(18)).context).toHaveLength(16);
  });
});

class Collector implements FrameSink {
  readonly frames: [number, Buffer][] = [];
  head(): boolean {
    return true;
  }
  whole(flags: number, bytes: Buffer, start: number, end: number): boolean {
    this.frames.push([flags, Buffer.from(bytes.subarray(start, end))]);
    return true;
  }
  memory(_flags: number, lengthBytes: number): Buffer {
    return Buffer.alloc(lengthBytes);
  }
  filled(flags: number, memory: Buffer): void {
    this.frames.push([flags, memory]);
  }
}

describe('frames', () => {
  test('short and long heads are those of the RFC', () => {
    expect(frame(1, Buffer.from('a'))).toEqual(hex('01 01 61'));
    expect(frame(0, Buffer.alloc(255)).subarray(0, 2)).toEqual(hex('00 ff'));
    expect(frame(0, Buffer.alloc(256)).subarray(0, 9)).toEqual(hex('02 0000000000000100'));
    expect(frame(4, Buffer.alloc(300)).subarray(0, 9)).toEqual(hex('06 000000000000012c'));
  });

  test('cut anywhere, a stream gives the same frames', () => {
    const stream = Buffer.concat([
      frame(1, Buffer.alloc(0)),
      frame(0, Buffer.alloc(300, 7)),
      frame(4, Buffer.from('x')),
      hex('02 0000000000000001 62'),
    ]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const sink = new Collector();
      const parser = new FrameParser(sink, 7);
      expect(parser.push(stream, 0, cut)).toBe(cut);
      expect(parser.push(stream, cut, stream.length)).toBe(stream.length);
      expect(sink.frames.map(([flags, body]) => [flags, body.length, body[0] ?? -1])).toEqual([
        [1, 0, -1],
        [0, 300, 7],
        [4, 1, 0x78],
        [0, 1, 0x62],
      ]);
    }
  });

  test.each([
    ['02 8000000000000000', 'ERR_PEER_PROTOCOL'],
    ['02 0020000000000000', 'ERR_PEER_LIMIT'],
    ['08 00', 'ERR_PEER_PROTOCOL'],
    ['05 00', 'ERR_PEER_PROTOCOL'],
  ])('the head %s ends in %s', (text, code) => {
    const bytes = hex(text);
    expect(() => new FrameParser(new Collector(), 7).push(bytes, 0, bytes.length)).toThrow(expect.objectContaining({ code }));
  });
});

test('the topic tree finds what a search of all prefixes finds, while topics come and go', () => {
  const seed = 20261;
  let state = seed;
  const random = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const word = () => Buffer.from(Array.from({ length: random(6) }, () => 97 + random(2)));
  const tree = new TopicTree<number>();
  const plain = new Map<string, Set<number>>();
  for (let step = 0; step < 20_000; step++) {
    const topic = word();
    const value = random(5);
    const holders = plain.get(String(topic)) ?? new Set();
    plain.set(String(topic), holders);
    if (random(2) === 0) {
      expect(tree.add(topic, value), `seed ${seed}`).toBe(holders.size === 0);
      holders.add(value);
    } else expect(tree.remove(topic, value), `seed ${seed}`).toBe(holders.delete(value) && holders.size === 0);
    const sought = word();
    const found = new Set<number>();
    tree.match(sought, (value) => found.add(value));
    const wanted = new Set([...plain].filter(([prefix]) => String(sought).startsWith(prefix)).flatMap(([, values]) => [...values]));
    expect([...found].sort(), `seed ${seed}`).toEqual([...wanted].sort());
  }
  expect(tree.size).toBe([...plain.values()].reduce((sum, values) => sum + values.size, 0));
});
