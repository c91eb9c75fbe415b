import byNumber from './by-number.mjs';

/** The same, of which the plan knows that it finishes frames in order, one of each at most; with `later` it returns promises all the same. */
export default { ...byNumber, async: false, maxOutputs: 1 };
