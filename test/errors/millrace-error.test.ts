import { describe, expect, it } from 'vitest';
// The tests run the sources: this is another copy of the class, as a bundle has one.
import * as copy from '#dist/src/errors/errors.js';
import { MillraceError } from '../../src/errors/errors.js';
import { ConfigError } from '../../src/spec/config-error.js';

describe('instanceof MillraceError', () => {
  it('holds for an error of another copy of the class', () => {
    expect(copy.MillraceError).not.toBe(MillraceError);
    expect(new copy.MillraceError('ERR_STATE', 'x')).toBeInstanceOf(MillraceError);
  });

  it('does not hold for other errors', () => {
    expect(new Error('x')).not.toBeInstanceOf(MillraceError);
    expect(Object.assign(new Error('x'), { name: 'MillraceError', code: 'ERR_STATE' })).not.toBeInstanceOf(MillraceError);
    expect(null).not.toBeInstanceOf(MillraceError);
  });

  it('keeps subclasses apart', () => {
    expect(new MillraceError('ERR_STATE', 'x')).not.toBeInstanceOf(ConfigError);
    const error = new ConfigError([{ code: 'ERR_CONFIG_INVALID', message: 'x', place: {} }]);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toBeInstanceOf(MillraceError);
  });
});
