import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Counts each frame by its ordinal (with `perSeries`, so many numbers for each series, by its number) in a partial of `frames` bytes, slowly; the result is the sum of the parts. With `folder`,
 * the worker that has merged dies before it has handed on, once for each series. `failAt`: throws on the second frame of
 * that ordinal, at each attempt. `failFlush`: the result never comes; by an exception (`throw`), or because its workers die of it (`exit`).
 */
export default {
  type: 'which',
  description: 'test',
  parameters: { type: 'object', properties: { frames: {}, perSeries: {}, spinUs: {}, folder: {}, failAt: {}, failFlush: {} } },
  merges: true,
  flushes: true,
  prepare: ({ frames }) => ({ partialBytes: frames, maxOutputBytes: frames }),
  create({ frames, perSeries, spinUs = 0, folder, failAt = -1, failFlush }, { partial }) {
    const total = new Uint8Array(frames);
    let series = 0;
    let last = -1;
    return {
      onStart(started) {
        series = started.index;
      },
      process(frame) {
        const number = perSeries ? Math.max(0, series - 1) * perSeries + frame.sequence : frame.ordinal;
        if (number === failAt && last === failAt) {
          throw new Error('the second one');
        }
        last = number;
        partial.data[number]++;
        if (spinUs > 0) for (const until = performance.now() + spinUs / 1e3; performance.now() < until; );
      },
      merge(parts) {
        total.fill(0);
        for (const part of parts) for (let i = 0; i < frames; i++) total[i] += part[i];
      },
      flush(out) {
        if (failFlush === 'exit') process.exit(3);
        if (failFlush) throw new Error('never');
        const marker = folder && join(folder, `${series}`);
        if (marker && !existsSync(marker)) {
          writeFileSync(marker, '');
          process.exit(3);
        }
        const made = out.create({ shape: [frames], dtype: 'uint8', meta: { of: series } });
        made.data.set(total);
        out.emit(made);
      },
    };
  },
};
