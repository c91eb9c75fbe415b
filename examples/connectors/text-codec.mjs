// A frame as one line of text: the sequence number, a colon, and the values.
import { defineCodec } from 'millrace/codec';

export default defineCodec({
  module: import.meta.url,
  name: 'text',
  description: 'One line of text for each frame',
  decode([part]) {
    const [sequence, values] = Buffer.from(part).toString('utf8').split(':');
    const data = Float64Array.from(values.split(','), Number);
    return { dtype: 'float64', shape: [data.length], sequence: Number(sequence), data: new Uint8Array(data.buffer) };
  },
  encode: (frame) => [Buffer.from(`${frame.sequence}:${Array.from(frame.data).join(',')}`)],
});
