import { type Dirent, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const NATURAL = new Intl.Collator('en', { numeric: true });
const isPattern = (segment: string) => /[*?]/.test(segment);

/**
 * The files that a path matches: the path itself, or matches for its `*` (any text without a slash), `?` (one
 * character) and `**` (any folders). Sorted in natural order, so that `frame_10` follows `frame_9`. Names that begin
 * with a dot match only a pattern that begins with a dot too, which hides half-written files.
 */
export function matchFiles(pattern: string, baseDir: string): string[] {
  const absolute = path.resolve(baseDir, pattern);
  if (isFile(absolute)) return [absolute];
  if (!isPattern(pattern)) return [];
  const { root } = path.parse(absolute);
  const segments = absolute.slice(root.length).split(path.sep);
  const found = new Set<string>();
  walk(root, segments, found);
  return [...found].sort((a, b) => NATURAL.compare(a, b) || (a < b ? -1 : 1));
}

function walk(folder: string, segments: readonly string[], found: Set<string>): void {
  const [segment, ...rest] = segments;
  if (segment === undefined) return;
  if (!isPattern(segment)) {
    const next = path.join(folder, segment);
    if (rest.length > 0) walk(next, rest, found);
    else if (isFile(next)) found.add(next);
    return;
  }
  if (segment === '**') {
    walk(folder, rest, found);
    // Links to folders are not followed, so that a loop ends.
    for (const entry of entries(folder))
      if (entry.isDirectory() && !entry.name.startsWith('.')) walk(path.join(folder, entry.name), segments, found);
    return;
  }
  const matches = segmentMatcher(segment);
  for (const entry of entries(folder)) {
    if (!matches(entry.name)) continue;
    const next = path.join(folder, entry.name);
    if (rest.length > 0) walk(next, rest, found);
    else if (isFile(next)) found.add(next);
  }
}

function segmentMatcher(segment: string): (name: string) => boolean {
  const source = segment
    // Merges adjacent stars: several would make the expression slow on long names.
    .replace(/\*+/g, '*')
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`, 's');
  return (name) => (segment.startsWith('.') || !name.startsWith('.')) && expression.test(name);
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}
