import { setTimeout as delay } from 'node:timers/promises';

let late;

/** Does what an operator must not, at ordinals that leave `at` by `every`; passes on the others (or copies, with `copies`). */
export default {
  type: 'faults',
  description: 'test',
  maxOutputs: 2,
  parameters: {
    type: 'object',
    properties: { kind: { type: 'string' }, every: { type: 'integer' }, at: { type: 'integer' }, attempts: { type: 'integer' } },
  },
  create({ kind, every = 10, at = 3, attempts = Number.POSITIVE_INFINITY }) {
    const tried = new Map();
    return {
      process(frame, out) {
        if (frame.ordinal % every !== at) {
          late = { frame, out };
          out.emit(frame);
          return undefined;
        }
        const times = (tried.get(frame.ordinal) ?? 0) + 1;
        tried.set(frame.ordinal, times);
        const create = (spec = {}) => out.create({ shape: frame.shape, dtype: frame.dtype, ...spec });
        if (times > attempts) {
          out.emit(frame);
          return undefined;
        }
        switch (kind) {
          case 'throw':
            throw new Error('the sky falls');
          case 'throw-after-create': {
            create();
            out.emit(create());
            throw new Error('the sky falls late');
          }
          case 'throw-undefined':
            throw undefined;
          case 'reject':
            return delay(1).then(() => {
              throw new Error('the promise breaks');
            });
          case 'twice':
            out.emit(frame);
            out.emit(frame);
            return undefined;
          case 'created-twice': {
            const made = create();
            out.emit(made);
            out.emit(made);
            return undefined;
          }
          case 'earlier': // the frame of an earlier call, which has settled, if there was one and its slot is not this one's
            out.emit(late && late.frame !== frame ? late.frame : { ...frame });
            return undefined;
          case 'copied': // looks like the frame, and has no memory
            out.emit({ ...frame });
            return undefined;
          case 'too-many':
            for (let i = 0; i < 3; i++) out.emit(create());
            return undefined;
          case 'created-too-many': // in a chain, creating is enough
            for (let i = 0; i < 3; i++) create();
            return undefined;
          case 'too-large':
            out.emit(create({ shape: [1 << 20] }));
            return undefined;
          case 'wrong-shape':
            out.emit(create({ shape: [-1] }));
            return undefined;
          case 'huge-meta':
            out.emit(create({ meta: { text: 'x'.repeat(10_000) } }));
            return undefined;
          case 'circular-meta': {
            const meta = {};
            meta.self = meta;
            out.emit(create({ meta }));
            return undefined;
          }
          case 'made-and-kept': // made, not emitted: given back
            create();
            out.emit(create());
            return undefined;
          case 'exit':
            process.exit(3);
            return undefined;
          default:
            throw new Error(`no fault ${kind}`);
        }
      },
    };
  },
};
