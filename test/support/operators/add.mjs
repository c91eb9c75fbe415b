/** Adds `by` to each item; with `delayMs` in its own time. `by: 13` cannot be made, `by: 14` cannot be set up. */
export default {
  type: 'add',
  description: '',
  updates: true,
  async: true,
  parameters: {
    type: 'object',
    additionalProperties: false,
    required: ['by'],
    properties: { by: { type: 'integer' }, delayMs: { type: 'number' }, table: { type: 'integer' } },
  },
  prepare: ({ by, table }, { shape, dtype }) => ({
    shape,
    dtype,
    ...(table ? { constants: { table: new Uint8Array(table).fill(by) } } : {}),
  }),
  create({ by, delayMs }, { constants }) {
    if (by === 13) throw new Error('no thirteen');
    const table = constants.table?.array;
    const fill = (frame, out) => {
      if (table && !table.every((item) => item === (by & 255))) throw new Error(`the table is not that of ${by}`);
      const made = out.create({ shape: frame.shape, dtype: frame.dtype });
      for (let i = 0; i < frame.data.length; i++) made.data[i] = frame.data[i] + by;
      out.emit(made);
    };
    return {
      setup() {
        if (by === 14) throw new Error('no fourteen');
      },
      process: delayMs ? (frame, out) => new Promise((resolve) => setTimeout(resolve, delayMs)).then(() => fill(frame, out)) : fill,
    };
  },
};
