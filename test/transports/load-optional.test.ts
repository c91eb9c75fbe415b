import { expect, it } from 'vitest';
import { loadOptional } from '../../src/transports/load-optional.js';

it('a missing package is an error that names it and the command that installs it', async () => {
  const name = 'millrace-no-such-client';
  const error = await loadOptional(name).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ERR_OPTIONAL_MISSING', message: expect.stringContaining(`npm install ${name}`) });
});

it('a package that is there but fails to load keeps its own reason', async () => {
  const load = loadOptional('zeromq', () => Promise.reject(new Error('wrong ELF class')));
  await expect(load).rejects.toMatchObject({ code: 'ERR_OPTIONAL_MISSING', message: expect.stringContaining('wrong ELF class') });
});
