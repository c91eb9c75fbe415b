import { MillraceError } from '../../errors/errors.js';
import { type Located, locate, NoSuchObject } from './locate.js';
import { type DatasetInfo, type DatasetPlace, describe, placeOf } from './open-array.js';
import type { FileFamily } from './open-file.js';

/** One dataset after the other make the frames; a part that is missing says why. */
export type Part =
  | { readonly name: string; readonly place: DatasetPlace; readonly info: DatasetInfo }
  | { readonly name: string; readonly missing: string };

interface Candidate {
  readonly name: string;
  readonly parts: readonly Part[];
  readonly info: DatasetInfo;
}

const MAX_OBJECTS = 20_000;
const MAX_DEPTH = 24;
const MAX_LISTED = 12;
/** The datasets of an Eiger master, one for each data file. */
const NUMBERED = /^data_\d+$/;
/** What belongs to a detector beside its frames. */
const BESIDE =
  /(^|[/_])(pixel_?mask|mask|bad_?pixels?|flat_?field|flat|dark|background|pedestal|gain|trimbits?|efficiency)([/_\d]|$)|detectorSpecific/i;
const NATURAL = new Intl.Collator('en', { numeric: true });

/**
 * The datasets that a file's frames are in. With a name: that dataset, those that its last part matches (`*`, `?`), or the
 * one of the group that it names. Without: what NeXus's `@default` and `@signal` say, else the only one that can be meant.
 * Throws ERR_CONFIG_INVALID that lists the candidates where several are left.
 */
export function chooseDatasets(family: FileFamily, wanted: string | undefined): readonly Part[] {
  if (wanted !== undefined) return named(family, wanted);
  const marked = defaultGroup(family);
  const signal = marked && signalOf(family, marked);
  if (signal) return signal.parts;
  return onlyOf(family, candidatesIn(family, '/'), '');
}

function named(family: FileFamily, wanted: string): readonly Part[] {
  const cut = wanted.lastIndexOf('/');
  const last = wanted.slice(cut + 1);
  if (/[*?]/.test(last)) {
    const group = cut <= 0 ? '/' : wanted.slice(0, cut);
    const matches = nameMatcher(last);
    const names = namesIn(family, group).filter(matches);
    if (names.length === 0) throw new MillraceError('ERR_CONFIG_INVALID', `no dataset of the file matches ${JSON.stringify(wanted)}`);
    return series(family, group, names).parts;
  }
  let located: Located;
  try {
    located = locate(family, wanted);
  } catch (error) {
    if (!(error instanceof NoSuchObject)) throw error;
    const names = candidatesIn(family, '/').map(({ name }) => name);
    throw new MillraceError('ERR_CONFIG_INVALID', `${error.message}; it has ${list(names) || 'no images'}`);
  }
  if (located.type === 'dataset') return [partOf(located, wanted)];
  const group = wanted.startsWith('/') ? wanted : `/${wanted}`;
  return (signalOf(family, group) ?? { parts: onlyOf(family, candidatesIn(family, group), ` in ${group}`) }).parts;
}

/** The group that `@default` leads to from the root, by way of an entry. */
function defaultGroup(family: FileFamily): string | undefined {
  let group = '/';
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const next = textAttribute(family, group, 'default');
    if (next === undefined) break;
    group = join(group, next);
  }
  return group === '/' ? undefined : group;
}

/** The dataset that `@signal` of a group names, where it is one of images; with the others of its series. */
function signalOf(family: FileFamily, group: string): Candidate | undefined {
  const name = textAttribute(family, group, 'signal');
  if (name === undefined) return undefined;
  if (NUMBERED.test(name))
    return series(
      family,
      group,
      namesIn(family, group).filter((other) => NUMBERED.test(other)),
    );
  try {
    const found = candidateAt(family, join(group, name));
    return found && found.info.shape.length >= 2 ? found : undefined;
  } catch {
    return undefined;
  }
}

function textAttribute(family: FileFamily, name: string, attribute: string): string | undefined {
  try {
    const { file, path, type } = locate(family, name);
    return type === 'group' ? file.library.textAttribute(path, attribute) : undefined;
  } catch {
    return undefined;
  }
}

/** Every dataset of images below a group, each once however many names it has. */
function candidatesIn(family: FileFamily, start: string): Candidate[] {
  const found: Candidate[] = [];
  const seen = new Set<string>();
  let objects = 0;
  const walk = (group: string, depth: number): void => {
    const names = namesIn(family, group);
    const numbered = names.filter((name) => NUMBERED.test(name));
    if (numbered.length > 0) addSeries(group, numbered);
    for (const name of names) {
      if (NUMBERED.test(name) || ++objects > MAX_OBJECTS) continue;
      const full = join(group, name);
      let located: Located;
      try {
        located = locate(family, full);
        const identity = `${located.file.path}:${located.file.library.addressOf(located.path)}`;
        if (seen.has(identity)) continue;
        seen.add(identity);
        if (located.type === 'dataset') {
          const part = partOf(located, full);
          if (part.info.shape.length >= 2) found.push({ name: full, parts: [part], info: part.info });
        }
      } catch {
        // A broken link, or items that are no numbers.
        continue;
      }
      if (located.type === 'group' && depth < MAX_DEPTH) walk(full, depth + 1);
    }
  };
  const addSeries = (group: string, names: readonly string[]): void => {
    try {
      const candidate = series(family, group, names);
      const identity = candidate.parts.map(identityOf).join();
      if (seen.has(identity) || candidate.info.shape.length < 2) return;
      seen.add(identity);
      found.push(candidate);
    } catch {
      // None of them is there, or they are no images.
    }
  };
  walk(start, 0);
  // A link to one of the datasets that follow each other is not another choice.
  const inSeries = new Set(found.flatMap(({ parts }) => (parts.length > 1 ? parts.map(identityOf) : [])));
  return found.filter(({ parts }) => parts.length > 1 || !inSeries.has(identityOf(parts[0]!)));
}

const identityOf = (part: Part): string => ('place' in part ? `${part.place.file}:${part.place.address}` : part.name);

function onlyOf(family: FileFamily, candidates: readonly Candidate[], where: string): readonly Part[] {
  if (candidates.length === 0)
    throw new MillraceError('ERR_CONFIG_INVALID', `the file has no images${where} (no dataset of numbers with two or more dimensions)`);
  const narrowed = [
    // Where a group says which of its datasets is the signal, the others are not.
    (candidate: Candidate) => isSignal(family, candidate),
    ({ name }: Candidate) => !BESIDE.test(name),
    ({ info }: Candidate) => info.shape.length > 2,
  ].reduce<readonly Candidate[]>((left, test) => {
    const kept = left.filter(test);
    return kept.length > 0 ? kept : left;
  }, candidates);
  if (narrowed.length === 1) return narrowed[0]!.parts;
  const described = narrowed.map(({ name, info }) => `${name} (${info.dtype}, ${info.shape.join(' x ')})`);
  throw new MillraceError(
    'ERR_CONFIG_INVALID',
    `name the dataset: the file has several${where} that can be meant. Set the option dataset to one of ${list(described)}`,
  );
}

function isSignal(family: FileFamily, { name }: Candidate): boolean {
  const cut = name.lastIndexOf('/');
  const signal = textAttribute(family, cut <= 0 ? '/' : name.slice(0, cut), 'signal');
  return signal !== undefined && (signal === name.slice(cut + 1) || (NUMBERED.test(signal) && name.endsWith('*')));
}

/** Combines several datasets of one group, in natural order of their names; reports those that cannot be opened. */
function series(family: FileFamily, group: string, names: readonly string[]): Candidate {
  const parts: Part[] = [];
  let info: DatasetInfo | undefined;
  let firstError: unknown;
  for (const name of [...names].sort(NATURAL.compare)) {
    const full = join(group, name);
    try {
      const part = partOf(locate(family, full), full);
      info ??= part.info;
      const same = part.info.dtype === info.dtype && frameShape(part.info.shape).join() === frameShape(info.shape).join();
      if (!same)
        throw new MillraceError(
          'ERR_FORMAT',
          `hdf5: its frames are ${part.info.dtype} of ${frameShape(part.info.shape).join(' x ')}, those before it are not`,
        );
      parts.push(part);
    } catch (error) {
      firstError ??= error;
      parts.push({ name: full, missing: error instanceof Error ? error.message : String(error) });
    }
  }
  if (!info) throw firstError;
  return { name: parts.length === 1 ? parts[0]!.name : join(group, 'data_*'), parts, info };
}

function candidateAt(family: FileFamily, name: string): Candidate | undefined {
  const located = locate(family, name);
  if (located.type !== 'dataset') return undefined;
  const part = partOf(located, name);
  return { name, parts: [part], info: part.info };
}

function partOf({ file, path, type }: Located, name: string): Extract<Part, { place: DatasetPlace }> {
  if (type !== 'dataset') throw new MillraceError('ERR_FORMAT', `hdf5: ${name} is a group, not a dataset`);
  const place = placeOf(file, path);
  return { name: name.startsWith('/') ? name : `/${name}`, place, info: describe(file, place) };
}

function namesIn(family: FileFamily, group: string): readonly string[] {
  const { file, path, type } = locate(family, group);
  return type === 'group' ? file.library.names(path) : [];
}

function nameMatcher(pattern: string): (name: string) => boolean {
  const source = pattern
    .replace(/\*+/g, '*')
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`, 's');
  return (name) => expression.test(name);
}

/** Images are the last two dimensions; the preceding ones select the image. */
export const frameShape = (shape: readonly number[]): readonly number[] => (shape.length > 2 ? shape.slice(-2) : shape);

const join = (group: string, name: string): string => (name.startsWith('/') ? name : group === '/' ? `/${name}` : `${group}/${name}`);

function list(names: readonly string[]): string {
  const shown = names.slice(0, MAX_LISTED).join(', ');
  return names.length > MAX_LISTED ? `${shown}, and ${names.length - MAX_LISTED} more` : shown;
}
