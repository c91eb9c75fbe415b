/** The way to a value: keys of maps and indices of lists. */
export type KeyPath = readonly (string | number)[];

/** `['stages', 'reduce', 'operators', 1, 'bins']` as `stages.reduce.operators[1].bins`. */
export function formatKeyPath(path: KeyPath): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text ? `.${key}` : key;
  }
  return text;
}

/** The inverse of `formatKeyPath`; undefined when the text is not a path. */
export function parseKeyPath(text: string): KeyPath | undefined {
  const path: (string | number)[] = [];
  for (const part of text.split('.')) {
    const match = /^([^[\]]+)((?:\[\d{1,9}\])*)$/.exec(part);
    if (!match) return undefined;
    path.push(match[1]!);
    for (const [, index] of match[2]!.matchAll(/\[(\d+)\]/g)) path.push(Number(index));
  }
  return path;
}

/** Whether `path` is `prefix` or below it. */
export function isWithin(path: KeyPath, prefix: KeyPath): boolean {
  return prefix.length <= path.length && prefix.every((key, index) => String(key) === String(path[index]));
}
