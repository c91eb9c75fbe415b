const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** Pattern of a size with its unit, for the schema. */
export const BYTE_SIZE_PATTERN = '^[0-9]{1,12}(\\.[0-9]{1,6})? ?(B|kB|MB|GB|KiB|MiB|GiB)$';

/** `16777216` or `'16MiB'` as a number of bytes, rounded down; undefined when it is neither. */
export function parseByteSize(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? value : undefined;
  if (typeof value !== 'string' || !new RegExp(BYTE_SIZE_PATTERN).test(value)) return undefined;
  const [, number, unit] = /^([0-9.]+) ?([A-Za-z]+)$/.exec(value)!;
  const bytes = Math.floor(Number(number) * UNITS[unit!]!);
  return bytes > 0 ? bytes : undefined;
}
