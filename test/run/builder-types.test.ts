import { expect, test } from 'vitest';
import { type ModulePath, pipeline } from '#dist/src/index.js';

// The compiler checks this file: an option that it must refuse and does not is an unused @ts-expect-error.

test('the compiler refuses types and options that do not exist, and so does the check at run time', () => {
  const from = 'in';
  const wrong = [
    // @ts-expect-error no source has this type
    () => pipeline('p').source('in', { type: 'pusch' }).sink('out', { type: 'null', from }),
    // @ts-expect-error the option is maxFrame
    () => pipeline('p').source('in', { type: 'push', maxFrme: 4096 }).sink('out', { type: 'null', from }),
    // @ts-expect-error `path` is missing
    () => pipeline('p').source('in', { type: 'file' }).sink('out', { type: 'null', from }),
    // @ts-expect-error an option of another type
    () => pipeline('p').source('in', { type: 'push', pattern: 'powder' }).sink('out', { type: 'null', from }),
    // @ts-expect-error no sink has this type
    () => pipeline('p').source('in', { type: 'push' }).sink('out', { type: 'nul', from }),
    // @ts-expect-error a sink takes from something
    () => pipeline('p').source('in', { type: 'push' }).sink('out', { type: 'null' }),
    // @ts-expect-error no such policy
    () => pipeline('p').source('in', { type: 'push' }).sink('out', { type: 'null', from, overflow: 'drop' }),
    // @ts-expect-error no codec has this name
    () => pipeline('p').source('in', { type: 'zmq', bind: 'tcp://127.0.0.1:1', codec: 'array' }).sink('out', { type: 'null', from }),
    () =>
      pipeline('p')
        .source('in', { type: 'push' })
        // @ts-expect-error no operator has this type
        .stage('a', { from, operators: [{ type: 'rebinn', factor: 2 }] })
        .sink('out', { type: 'null', from: 'a' }),
    () =>
      pipeline('p')
        .source('in', { type: 'push' })
        // @ts-expect-error the parameter is factor
        .stage('a', { from, operators: [{ type: 'rebin', factr: 2 }] })
        .sink('out', { type: 'null', from: 'a' }),
    () =>
      pipeline('p')
        .source('in', { type: 'push' })
        // @ts-expect-error a threshold is a number
        .stage('a', { from, operators: [{ type: 'threshold', above: 'high' }] })
        .sink('out', { type: 'null', from: 'a' }),
    () =>
      pipeline('p')
        .source('in', { type: 'push' })
        // @ts-expect-error the option is workers
        .stage('a', { from, worker: 2 })
        .sink('out', { type: 'null', from: 'a' }),
    () =>
      pipeline('p')
        .source('in', { type: 'push' })
        .sink('out', { type: 'null', from })
        // @ts-expect-error the option is deadlineMs
        .with({ drain: { deadline: 1 } }),
  ];
  const accepted = wrong.filter((build) => {
    try {
      build().build();
      return true;
    } catch {
      return false;
    }
  });
  // The parameters of operators are checked when the operators are loaded, at the start.
  expect(accepted.map((build) => wrong.indexOf(build))).toEqual([]);
});

test('modules of the user are operators with parameters of their own, by path or URL', () => {
  const module = new URL('../../examples/hits/hit-finder.mjs', import.meta.url);
  const path = module.pathname as ModulePath;
  const spec = pipeline('p')
    .source('in', { type: 'push', maxFrame: '1MiB', dtype: 'uint16', shape: [64, 64], parcel: { bytes: '64KiB' } })
    .stage('a', {
      from: ['in'],
      workers: 2,
      key: { meta: 'run' },
      operators: [{ type: './hit-finder.mjs', level: 3 }, { type: module, names: ['a'] }, { type: path }, { type: 'mask', below: 0 }],
    })
    .sink('out', { type: 'iterate', from: 'a', overflow: { sample: 2 } })
    .with({ metrics: { port: 0 }, deadLetters: { directory: 'dead' } })
    .spec({ baseDir: new URL('.', module).pathname });
  expect(spec.stages.a!.operators.map(({ type }) => type)).toEqual(['./hit-finder.mjs', module.href, path, 'mask']);
  expect(spec.stages.a!.operators[1]!.params).toEqual({ names: ['a'] });
});
