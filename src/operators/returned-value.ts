/**
 * Whether the return value of `process` may be meant as its result: `frame.data[0] > 3 && out.emit(frame)` returns
 * false.
 */
export const looksLikeResult = (value: unknown): boolean => Boolean(value) && value !== true;

/** The warning about it, logged once. `who`: the operator. */
export function returnedValueText(who: string, value: unknown): string {
  const what = typeof value === 'object' ? (value?.constructor?.name ?? 'object') : typeof value;
  return (
    `${who} returned a value (${what}) and emitted nothing, so the frame counts as filtered. ` +
    'Emit a frame with out.emit(frame), or fill a frame from out.create({ shape, dtype }) and emit it'
  );
}
