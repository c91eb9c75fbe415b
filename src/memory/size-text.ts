const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Bytes with a unit, for messages: `3.66 GiB`. */
export function sizeText(bytes: number): string {
  if (bytes >= GIB) return `${(bytes / GIB).toFixed(2)} GiB`;
  return bytes >= MIB ? `${(bytes / MIB).toFixed(1)} MiB` : `${Math.ceil(bytes / KIB)} KiB`;
}

/** The smallest size with a unit that is at least this many bytes, as a value of the pipeline file: `24MiB`. */
export function sizeFor(bytes: number): string {
  return bytes > MIB ? `${Math.ceil(bytes / MIB)}MiB` : `${Math.ceil(bytes / KIB)}KiB`;
}
