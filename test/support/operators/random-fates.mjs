/** What an operator does with a frame, by the frame's number and a salt alone. `weights`: parts of 1000 by fate; the rest copies. */
export const FATES = ['pass', 'three', 'filter', 'allocate', 'throwOnce', 'throw', 'exit', 'loop'];

export function fateOf(number, salt, weights) {
  let hash = Math.imul(number + 1, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  let left = ((hash ^ (hash >>> 13)) >>> 0) % 1000;
  for (const fate of FATES) {
    left -= weights[fate] ?? 0;
    if (left < 0) return fate;
  }
  return 'copy';
}

/** The number that a frame of the pattern `counter` carries. */
export const numberOf = ({ bytes }) => (bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)) >>> 0;

/** Does it. `seen`: numbers at which the worker threw before. */
export function act(frame, out, fate, seen) {
  const number = numberOf(frame);
  if (fate === 'exit') process.exit(1);
  if (fate === 'loop') for (;;) seen.add(number);
  if (fate === 'throw') throw new Error(`number ${number}`);
  if (fate === 'throwOnce' && !seen.has(number)) {
    seen.add(number);
    throw new Error(`number ${number}, once`);
  }
  if (fate === 'filter') return;
  if (fate === 'pass') {
    out.emit(frame);
    return;
  }
  if (fate === 'allocate') Array.from({ length: 30_000 }, (_, i) => ({ i }));
  for (let i = 0; i < (fate === 'three' ? 3 : 1); i++) {
    const made = out.create({ shape: frame.shape, dtype: frame.dtype });
    made.bytes.set(frame.bytes);
    out.emit(made);
  }
}

export const PARAMETERS = { type: 'object', properties: { salt: { type: 'integer' }, weights: { type: 'object' } } };
