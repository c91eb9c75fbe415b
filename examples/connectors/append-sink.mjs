// Appends each message to a file, one a line. A frame counts as delivered when the line is on the disk.
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { defineSink } from 'millrace/sink';

export default defineSink({
  module: import.meta.url,
  type: 'append',
  description: 'Appends the messages of a codec to a file',
  usesCodec: true,
  batch: 16,
  options: {
    type: 'object',
    additionalProperties: false,
    required: ['path'],
    properties: {
      path: { type: 'string', minLength: 1, description: 'the file' },
      maxBytes: { type: 'integer', minimum: 1, default: 65536, description: 'longest line; longer ones are refused' },
    },
  },
  create({ path, maxBytes }, { baseDir, codec }) {
    let file;
    return {
      async open() {
        file = await open(resolve(baseDir, String(path)), 'a');
      },
      async write(frames) {
        const refused = [];
        const lines = [];
        for (const [index, frame] of frames.entries()) {
          const line = Buffer.concat(codec.encode(frame));
          if (line.length > maxBytes) refused.push({ index, reason: 'sink-too-large', detail: `${line.length} bytes` });
          else lines.push(line, Buffer.from('\n'));
        }
        await file.appendFile(Buffer.concat(lines));
        await file.datasync();
        return { refused };
      },
      async close() {
        await file?.close();
      },
    };
  },
});
