// Reads a text file of numbers: each line becomes a frame of float64 values.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineSource } from 'millrace/source';

export default defineSource({
  module: import.meta.url,
  type: 'csv-lines',
  description: 'One frame for each line of a CSV file',
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: { path: { type: 'string', minLength: 1, description: 'the CSV file' } },
  },
  // The source can start again in another thread: `resumeAt` says how many lines were received before.
  restarts: true,
  create({ path }, { baseDir, resumeAt = 0 }) {
    let lines = [];
    return {
      async open() {
        const text = await readFile(resolve(baseDir, String(path)), 'utf8');
        lines = text.split('\n').filter((line) => line.trim() !== '');
      },
      async run(out, signal) {
        for (const [sequence, line] of lines.entries()) {
          if (sequence < resumeAt) continue;
          const values = Float64Array.from(line.split(','), Number);
          if (values.some(Number.isNaN)) out.refuse('malformed', `line ${sequence + 1} is not a list of numbers`);
          else if (!(await out.write({ dtype: 'float64', shape: [values.length], sequence }, new Uint8Array(values.buffer)))) return;
          if (signal.aborted) return;
        }
      },
      async close() {},
    };
  },
});
