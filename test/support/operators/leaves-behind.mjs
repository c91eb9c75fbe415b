/**
 * Hands frames on. At ordinal `at` it leaves something behind that fails `afterMs` later, or with `afterClose` when the operator has
 * been closed: a timer that throws, or a promise that nothing awaits.
 */
export default {
  type: 'leaves-behind',
  description: 'test',
  async: false,
  parameters: {
    type: 'object',
    properties: {
      at: { type: 'integer' },
      kind: { enum: ['timer', 'promise', 'null'] },
      afterMs: { type: 'number' },
      afterClose: { type: 'boolean' },
    },
  },
  create({ at, kind, afterMs, afterClose }) {
    let isArmed = at >= 0;
    let isClosed = false;
    const later = (run) => {
      if (!afterClose) {
        setTimeout(run, afterMs);
        return;
      }
      const poll = setInterval(() => {
        if (!isClosed) return;
        clearInterval(poll);
        run();
      }, 10);
    };
    return {
      process(frame, out) {
        if (isArmed && frame.ordinal === at) {
          isArmed = false;
          if (kind === 'timer') later(() => fail(new Error('thrown by a timer')));
          else if (kind === 'null') later(() => fail(null));
          else void new Promise((_, reject) => later(() => reject(new Error('a promise that nothing awaits'))));
        }
        out.emit(frame);
      },
      close() {
        isClosed = true;
      },
    };
  },
};

function fail(thrown) {
  throw thrown;
}
