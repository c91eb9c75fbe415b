/** Hands frames on. At ordinal `at` it leaves something behind that fails `afterMs` later: a timer that throws, or a promise that nothing awaits. */
export default {
  type: 'leaves-behind',
  description: 'test',
  async: false,
  parameters: {
    type: 'object',
    properties: { at: { type: 'integer' }, kind: { enum: ['timer', 'promise', 'null'] }, afterMs: { type: 'number' } },
  },
  create({ at, kind, afterMs }) {
    let isArmed = at >= 0;
    return {
      process(frame, out) {
        if (isArmed && frame.ordinal === at) {
          isArmed = false;
          if (kind === 'timer') setTimeout(() => fail(new Error('thrown by a timer')), afterMs);
          else if (kind === 'null') setTimeout(() => fail(null), afterMs);
          else void new Promise((_, reject) => setTimeout(() => reject(new Error('a promise that nothing awaits')), afterMs));
        }
        out.emit(frame);
      },
    };
  },
};

function fail(thrown) {
  throw thrown;
}
