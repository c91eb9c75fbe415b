/** Whether what `process` returned may be meant as its result: `frame.data[0] > 3 && out.emit(frame)` returns false. */
export const looksLikeResult = (value: unknown): boolean => Boolean(value) && value !== true;

/** What is said of it, once. `who`: the operator. */
export function returnedValueText(who: string, value: unknown): string {
  const what = typeof value === 'object' ? (value?.constructor?.name ?? 'object') : typeof value;
  return (
    `${who} returned a value (${what}) and emitted nothing, so the frame counts as filtered. ` +
    'Hand on a frame by out.emit(frame), or fill one that out.create({ shape, dtype }) makes and emit it'
  );
}
