import { describe, expect, it } from 'vitest';
import { StreamIds } from '../../src/egress/stream-ids.js';

describe('ids of a Redis stream', () => {
  it('rise when the clock stands or goes back', () => {
    const ids = new StreamIds();
    expect([1000, 1000, 900, 1001].map((ms) => ids.next(ms))).toEqual(['1000-0', '1000-1', '1000-2', '1001-0']);
  });

  it('go on above the last id of the stream', () => {
    const ids = new StreamIds();
    ids.raise('5000-7');
    ids.raise('4000-9');
    expect(ids.next(1000)).toBe('5000-8');
    expect(ids.next(5001)).toBe('5001-0');
  });

  it('go on in the next millisecond where the number behind it is too large to count on', () => {
    const ids = new StreamIds();
    ids.raise('5000-18446744073709551615');
    expect(ids.next(1000)).toBe('5001-1');
  });

  it('fail the sink when the stream leaves no room, or its last id is none', () => {
    for (const id of ['18446744073709551615-18446744073709551615', 'x', '', '-1-1']) {
      expect(() => new StreamIds().raise(id)).toThrow(expect.objectContaining({ code: 'ERR_SINK' }));
    }
  });
});
